/** Reads the sources of the pages for the tests of their words: which texts are said through `t`, and which are not. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'svelte/compiler';

/** A text that is translated where it is shown. */
export interface Key {
  readonly text: string;
  readonly plural: boolean;
}

/** A text that people would see in English whatever they speak. */
export interface Bare {
  readonly text: string;
  readonly line: number;
}

export interface Source {
  readonly path: string;
  readonly keys: readonly Key[];
  readonly bare: readonly Bare[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [name: string]: unknown;
}

/** Attributes, of elements and of components, that people read or hear. */
const READ = /^(?:title|alt|placeholder|label|name|text|hint|empty|about|add|yes|aria-(?:label|valuetext|description|roledescription|placeholder))$/;
/** Of these, `name` is one of a component alone: a form's fields have names of their own. */
const OF_COMPONENTS = new Set(['name', 'text', 'label', 'hint', 'empty', 'about', 'add', 'yes']);
/** Elements whose text is the same in every language: addresses, names of keys. */
const LITERAL = new Set(['code', 'kbd', 'pre', 'style', 'script']);
/** What takes a text and gives it in the reader's language, or keeps it for that; `step` names a step of the history. */
const SAYS = new Set(['t', 'en', 'plural', 'step']);
/** Calls whose arguments are for machines. */
const MACHINES =
  /^(?:described|querySelector(?:All)?|closest|matches|matchMedia|getContext|setAttribute|getAttribute|hasAttribute|removeAttribute|addEventListener|removeEventListener|get|set|has|append|fetch|includes|startsWith|endsWith|indexOf|replace|replaceAll|split|join|test|exec|query|getItem|setItem|removeItem|createElement|canPlayType|isTypeSupported|emit|on|invoke|listen|setProperty|Error|DOMException|RegExp|URL|Symbol|import|execCommand|setRequestHeader)$/;
/** Properties that are for machines, too. */
const FOR_MACHINES = /^(?:key|keys|kind|type|id|command|code|font|family|method|credentials|cache|headers)$/;
/** Names of things that are called the same everywhere, and units. */
const SAME =
  /\b(?:Klieg|KLIEG|WebRTC|WebSocket|HLS|WHIP|WHEP|RTMP|HTTPS?|QR|OBS|SHA-256|CPU|CSV|JSON|MKV|FLV|URL|[A-Z]*PEG|kbps|Mbps|GB|MB|dB|fps|px|ms|min|s|h|p|x|Ctrl|Shift|Alt|Esc|Enter|Delete|Up|Down|F\d+|iPhone|iPad|Android|Windows|Mac|macOS|ChromeOS|Linux|Chrome|Edge|Firefox|Opera|Safari|Samsung Internet|Inter|[A-Z])\b/g;

const lettered = (text: string): boolean => /\p{L}/u.test(text.replace(SAME, ''));
/** A sentence, or a word as a label has it: not an identifier, a header's name, a list of classes. */
const spoken = (text: string): boolean =>
  lettered(text) && !/^[\w-]+:|^\.|^\/|[{}<>=]|^[A-Z][a-z]+(?:-[A-Z][a-z]+)+$/.test(text) && (/^\P{L}*\p{Lu}\p{Ll}+(?:$|[\s.,:;!?…’“”])/u.test(text.trim()) || /\p{L}[.,:;…]? \p{L}+.*[.!?]$|\p{L}{2,} \p{L}+ \p{L}/u.test(text));

/** All sources below a folder, without tests and what is generated. */
export function sources(root: string): Source[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const wanted = files.filter((file) => /\.(?:svelte|ts)$/.test(file) && !/\.test\.ts$|\.d\.ts$|bindings\//.test(file));
  return wanted.toSorted().map((path) => read(path, readFileSync(join(root, path), 'utf8')));
}

/** What one source says. */
export function read(path: string, source: string): Source {
  const svelte = path.endsWith('.svelte');
  const before = '<script lang="ts">';
  const root = parse(svelte ? source : `${before}${source}</script>`, { modern: true }) as unknown as Record<string, Node | null | undefined>;
  const reader = new Reader(source, svelte ? 0 : before.length);
  reader.script(root['module']?.['content'] as Node | undefined);
  reader.script(root['instance']?.['content'] as Node | undefined);
  if (svelte) reader.fragment(root['fragment'] as Node);
  return { path, keys: reader.keys, bare: reader.bare };
}

class Reader {
  readonly keys: Key[] = [];
  readonly bare: Bare[] = [];

  constructor(
    private readonly source: string,
    private readonly offset: number,
  ) {}

  fragment(fragment: Node): void {
    for (const node of fragment['nodes'] as Node[]) this.#markup(node);
  }

  script(node: Node | undefined | null): void {
    if (!node || typeof node.type !== 'string') return;
    switch (node.type) {
      case 'ImportDeclaration':
      case 'TSInterfaceDeclaration':
      case 'TSTypeAliasDeclaration':
      case 'TaggedTemplateExpression':
        return;
      case 'CallExpression':
      case 'NewExpression':
        this.#call(node);
        return;
      case 'BinaryExpression':
        if (/^[!=]==?$/.test(String(node['operator']))) for (const side of [node['left'], node['right']] as Node[]) if (side.type !== 'Literal') this.script(side);
        if (node['operator'] === '+') this.#children(node);
        return;
      case 'SwitchCase':
        this.#all(node['consequent']);
        return;
      case 'MemberExpression':
        this.script(node['object'] as Node);
        if (node['computed'] && (node['property'] as Node).type !== 'Literal') this.script(node['property'] as Node);
        return;
      case 'Property': {
        const key = node['key'] as Node;
        const value = node['value'] as Node;
        if (FOR_MACHINES.test(String(key['name'] ?? key['value'])) && value.type !== 'CallExpression' && value.type !== 'ConditionalExpression') return;
        this.script(value);
        return;
      }
      case 'Literal':
        if (typeof node['value'] === 'string' && spoken(node['value'])) this.#missing(node, node['value']);
        return;
      case 'TemplateLiteral': {
        const text = quasis(node).join('0');
        if (quasis(node).some(lettered) && spoken(text)) this.#missing(node, text);
        this.#all(node['expressions']);
        return;
      }
      default:
        if (!node.type.startsWith('TS') || node.type === 'TSAsExpression' || node.type === 'TSSatisfiesExpression' || node.type === 'TSNonNullExpression') this.#children(node);
    }
  }

  #markup(node: Node): void {
    switch (node.type) {
      case 'Text':
        if (lettered(String(node['data']))) this.#missing(node, String(node['data']).trim());
        return;
      case 'ExpressionTag':
        this.#shown(node['expression'] as Node);
        return;
      case 'RegularElement':
        for (const attribute of node['attributes'] as Node[]) this.#attribute(attribute, false);
        if (!LITERAL.has(String(node['name']))) this.fragment(node['fragment'] as Node);
        return;
      case 'Component':
        for (const attribute of node['attributes'] as Node[]) this.#attribute(attribute, true);
        this.fragment(node['fragment'] as Node);
        return;
      default:
        // Blocks: what stands in them, and their conditions.
        for (const value of Object.values(node)) for (const inner of Array.isArray(value) ? value : [value]) this.#inner(inner);
    }
  }

  #inner(value: unknown): void {
    if (typeof value !== 'object' || value === null || !('type' in value)) return;
    const node = value as Node;
    if (node.type === 'Fragment') this.fragment(node);
    else if (/Attribute|Directive|AttachTag/.test(node.type)) this.#attribute(node, false);
    else if (/Block$|Tag$/.test(node.type)) this.#markup(node);
    else this.script(node);
  }

  #attribute(node: Node, component: boolean): void {
    if (node.type !== 'Attribute') {
      this.script(node['expression'] as Node | undefined);
      return;
    }
    const name = String(node['name']);
    const read = READ.test(name) && (component || !OF_COMPONENTS.has(name) || (name === 'label' && !component));
    const values = (Array.isArray(node['value']) ? node['value'] : [node['value']]) as (Node | true)[];
    for (const value of values) {
      if (value === true) continue;
      if (value.type === 'Text') {
        if (read && lettered(String(value['data']))) this.#missing(value, String(value['data']));
      } else if (read) this.#shown(value['expression'] as Node);
      else if (!/^(?:class|style|id|for|href|src|d|transform|viewBox|aria-(?!label|value)\w+)$/.test(name)) this.script(value['expression'] as Node);
      else this.#calls(value['expression'] as Node);
    }
  }

  /** An expression whose value is seen: any text in it is one for people. */
  #shown(node: Node): void {
    switch (node.type) {
      case 'Literal':
        if (typeof node['value'] === 'string' && lettered(node['value'])) this.#missing(node, node['value']);
        return;
      case 'TemplateLiteral':
        if (quasis(node).some(lettered)) this.#missing(node, quasis(node).join('0'));
        for (const inner of node['expressions'] as Node[]) this.#shown(inner);
        return;
      case 'ConditionalExpression':
        this.script(node['test'] as Node);
        this.#shown(node['consequent'] as Node);
        this.#shown(node['alternate'] as Node);
        return;
      case 'LogicalExpression':
        if (node['operator'] === '&&') this.script(node['left'] as Node);
        else this.#shown(node['left'] as Node);
        this.#shown(node['right'] as Node);
        return;
      default:
        this.script(node);
    }
  }

  /** Only what is said in it. */
  #calls(node: Node): void {
    const kept = this.bare.length;
    this.script(node);
    this.bare.length = kept;
  }

  #call(node: Node): void {
    const callee = node['callee'] as Node;
    const name = String(callee.type === 'MemberExpression' ? ((callee['property'] as Node)['name'] ?? '') : (callee['name'] ?? ''));
    const given = node['arguments'] as Node[];
    if (callee.type === 'Identifier' && SAYS.has(name)) {
      const texts = name === 'plural' ? [given[2]] : [given[0]];
      for (const text of texts) for (const said of literals(text)) this.keys.push({ text: said, plural: name === 'plural' });
      this.#all(given.filter((one) => one.type !== 'Literal' && one.type !== 'TemplateLiteral' && one.type !== 'ConditionalExpression'));
      if (name === 'plural' && given[0]) this.script(given[0]);
      return;
    }
    this.script(callee);
    const machine = MACHINES.test(name);
    for (const one of given) if (!machine || !/^(?:Literal|TemplateLiteral|ArrayExpression)$/.test(one.type)) this.script(one);
  }

  #children(node: Node): void {
    for (const [name, value] of Object.entries(node)) {
      if (!/^(?:type|loc|typeAnnotation|returnType|typeParameters|typeArguments|implements|leadingComments|trailingComments)$/.test(name)) this.#all(value);
    }
  }

  #all(value: unknown): void {
    for (const one of Array.isArray(value) ? value : [value]) if (typeof one === 'object' && one !== null && 'type' in one) this.script(one as Node);
  }

  #missing(node: Node, text: string): void {
    this.bare.push({ text, line: this.source.slice(0, node.start - this.offset).split('\n').length });
  }
}

const quasis = (node: Node): string[] => (node['quasis'] as { value: { cooked: string } }[]).map((one) => one.value.cooked);

/** The texts that an argument can be. */
function literals(node: Node | undefined): string[] {
  if (node?.type === 'Literal') return [String(node['value'])];
  if (node?.type === 'TemplateLiteral' && quasis(node).length === 1) return quasis(node);
  if (node?.type === 'ConditionalExpression') return [...literals(node['consequent'] as Node), ...literals(node['alternate'] as Node)];
  return [];
}
