// Node.js 18 has WebCrypto, but not under the name by which browsers know it.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
