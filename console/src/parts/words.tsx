// How times, sizes, states and texts look everywhere.
import type { ComponentChildren } from "preact";

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];
const GOOD = /^(Active|Successful|\w+_COMPLETE)$/;
const BAD = /FAILED|ROLLBACK|^Failed$|^Inactive$/;

export function size(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(amount < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

export function Time({ at }: { at: string | number }) {
  if (!at) return <>–</>;
  const date = new Date(at);
  return <time dateTime={date.toISOString()}>{clockText(date)}</time>;
}

/** 2026-05-01 10:20:30, local time. */
export function clockText(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function State({ of }: { of: string }) {
  const kind = BAD.test(of) ? "bad" : GOOD.test(of) ? "good" : "under-way";
  return <span class={`state ${kind}`}>{of}</span>;
}

export function Pairs({ children }: { children: [string, ComponentChildren][] }) {
  return (
    <dl>
      {children
        .filter(([, value]) => value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** JSON with indentation; any other text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
