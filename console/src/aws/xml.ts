// The XML that AWS answers with: elements and text, no mixed content, no namespaces that matter, no document type.

export class Element {
  children: Element[] = [];
  text = "";

  constructor(readonly name: string) {}

  /** The first element at `path`, such as "Owner/ID". */
  find(path: string): Element | undefined {
    let found: Element | undefined = this;
    for (const name of path.split("/")) found = found?.children.find((child) => child.name === name);
    return found;
  }

  /** The text at `path`; empty when there is none. */
  at(path: string): string {
    return this.find(path)?.text ?? "";
  }

  /** The elements of a list: at "Buckets/Bucket" all Bucket of the first Buckets. */
  all(path: string): Element[] {
    const cut = path.lastIndexOf("/");
    const parent = cut < 0 ? this : this.find(path.slice(0, cut));
    return parent?.children.filter((child) => child.name === path.slice(cut + 1)) ?? [];
  }
}

const TOKEN =
  /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^>\s]+)\s*>|<([^\s/>!?]+)[^>]*?(\/?)>|([^<]+)/y;
const NAMED: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The root element. Throws SyntaxError for what is not well formed, document types among it. */
export function parseXml(source: string): Element {
  const top = new Element("");
  const open: Element[] = [top];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(source);
    if (!token) throw new SyntaxError(`this XML cannot be read at ${at}`);
    const [, literal, closing, opening, empty, text] = token;
    const current = open[open.length - 1] as Element;
    if (literal !== undefined) current.text += literal;
    else if (text !== undefined) current.text += withoutEntities(text);
    else if (closing !== undefined) {
      if (current.name !== localName(closing)) throw new SyntaxError(`</${closing}> closes <${current.name}>`);
      if (current.children.length > 0) current.text = "";
      open.pop();
    } else if (opening !== undefined) {
      const element = new Element(localName(opening));
      current.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const root = top.children[0];
  if (open.length !== 1 || root === undefined) throw new SyntaxError("this XML ends too early");
  return root;
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function withoutEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? whole;
  });
}
