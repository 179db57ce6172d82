// Views of one thing; which one is seen stands in the address.
import { place, search } from "../router";

export function Tabs({ names }: { names: string[] }) {
  const seen = view(names);
  const here = `/_console/${place.value.map(encodeURIComponent).join("/")}`;
  return (
    <nav class="tabs" aria-label="Views">
      {names.map((name) => (
        <a
          key={name}
          href={`${here}?view=${encodeURIComponent(name)}`}
          aria-current={name === seen ? "page" : undefined}
        >
          {name}
        </a>
      ))}
    </nav>
  );
}

/** The view that the address names, else the first. */
export function view(names: string[]): string {
  const named = search.value.get("view") ?? "";
  return names.includes(named) ? named : (names[0] ?? "");
}
