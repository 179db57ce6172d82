// Who the console is. Kept for the tab only; a 12-digit key is the account's root on a node that is not strict.
import { signal } from "@preact/signals";

export interface Identity {
  key: string;
  secret: string;
  token: string;
  region: string;
  /** The node's own API asks for it in strict mode. */
  adminToken: string;
}

const PLACE = "tule.identity";
const INITIAL: Identity = { key: "test", secret: "test", token: "", region: "us-east-1", adminToken: "" };

export const identity = signal<Identity>(remembered());

export function become(next: Identity): void {
  sessionStorage.setItem(PLACE, JSON.stringify(next));
  identity.value = next;
}

function remembered(): Identity {
  const text = sessionStorage.getItem(PLACE);
  return text ? { ...INITIAL, ...JSON.parse(text) } : INITIAL;
}
