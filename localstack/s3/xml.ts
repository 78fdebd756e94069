/** As much XML as S3's requests and answers use: elements and text. No attributes are read, no entities defined. */

export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** The text directly inside, entities resolved. */
  readonly text: string;
}

type XmlContent = string | number | boolean | undefined | XmlFields | readonly (string | XmlFields)[];
export interface XmlFields {
  readonly [name: string]: XmlContent;
}

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const TOKENS =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[(?<cdata>[\s\S]*?)\]\]>|<(?<close>\/?)(?<name>[A-Za-z_][\w:.-]*)(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*?)?(?<empty>\/?)>|(?<text>[^<]+)|</g;

/** The root element, or undefined if the text is not well-formed. */
export function parseXml(xml: string): XmlElement | undefined {
  const root = { name: "", children: [] as XmlElement[], text: "" };
  const open = [root];
  for (const match of xml.trim().matchAll(TOKENS)) {
    const { cdata, close, name, empty, text } = match.groups ?? {};
    const parent = open.at(-1);
    if (parent === undefined || match[0] === "<") return undefined;
    if (text !== undefined || cdata !== undefined) {
      parent.text += cdata ?? resolveEntities(text ?? "");
    } else if (name !== undefined && close === "/") {
      if (parent === root || parent.name !== name) return undefined;
      open.pop();
    } else if (name !== undefined) {
      const element = { name, children: [], text: "" };
      parent.children.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  const [only, second] = root.children;
  return open.length === 1 && second === undefined && root.text.trim() === "" ? only : undefined;
}

/** The text of the first child of that name. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text.trim();
}

/** All children of that name. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/**
 * A document; a list becomes one element per item, and what is undefined is left out.
 * @param text stands directly in the root
 */
export function toXml(root: string, fields: XmlFields, namespace = NAMESPACE, text = ""): string {
  const attribute = namespace === "" ? "" : ` xmlns="${namespace}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${escapeText(text)}${render(fields)}</${root}>`;
}

function render(fields: XmlFields): string {
  return Object.entries(fields)
    .map(([name, content]) => {
      const items: readonly XmlContent[] = Array.isArray(content) ? content : [content];
      return items.map((item) => renderElement(name, item)).join("");
    })
    .join("");
}

function renderElement(name: string, content: XmlContent): string {
  if (content === undefined) return "";
  const inside = isFields(content) ? render(content) : escapeText(String(content));
  return `<${name}>${inside}</${name}>`;
}

function isFields(content: XmlContent): content is XmlFields {
  return typeof content === "object" && !Array.isArray(content);
}

function escapeText(text: string): string {
  // Control characters too: a key may contain a carriage return, which a parser would turn into a line feed.
  return text.replace(/[&<>"\p{Cc}]/gu, (character) => `&#${character.codePointAt(0)};`);
}

function resolveEntities(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (entity, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? entity;
    const code = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16);
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : entity;
  });
}
