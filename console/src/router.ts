// Places inside the console: /_console/functions/<name>. Names are percent-encoded, so slashes in them are no borders.
import { signal } from "@preact/signals";

const BASE = "/_console/";

/** The parts of the place, decoded: ["functions", "resize"]. */
export const place = signal<string[]>(partsOf(location.pathname));
/** What follows the `?`. */
export const search = signal(new URLSearchParams(location.search));

export function to(...parts: string[]): string {
  return BASE + parts.map(encodeURIComponent).join("/");
}

export function go(href: string): void {
  history.pushState(null, "", href);
  arrive();
  scrollTo(0, 0);
}

/** Follows links inside the console without loading it anew. */
export function followLinks(): void {
  addEventListener("popstate", arrive);
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.origin !== location.origin || !link.pathname.startsWith(BASE)) return;
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.href);
  });
}

function arrive(): void {
  place.value = partsOf(location.pathname);
  search.value = new URLSearchParams(location.search);
}

function partsOf(path: string): string[] {
  return path.slice(BASE.length).split("/").filter(Boolean).map(decodeURIComponent);
}
