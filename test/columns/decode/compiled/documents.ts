/** Events of any schema from a seed, quickly: mostly as producers write them, sometimes odd, sometimes injured. */
import type { Random } from '../../../../src/producer/random.ts';
import type { Field, FieldType, PrimitiveType, Schema } from '../../../../src/columns/schema/schema.ts';

const TEXTS = [
  '',
  'x',
  'Home',
  'null',
  '__proto__',
  'customer_00515',
  'a longer text, with "no" end/',
  '\\',
  '}',
  ',"id":1',
  'Zürich',
  '日本',
  '😀',
  '\uFEFF',
  'a\u007f',
  'aé"b',
  '\u0000',
  '\ud800',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '7',
  '24.15',
  '1.50',
  '-1.5',
  '100.00',
  '2147483647',
  '2147483648',
  '-2147483648',
  '999999999999999',
  '1000000000000000',
  '9007199254740993',
  '-9223372036854775808',
  '0.1',
  '0.30000000000000004',
  '5e-324',
  '1e2',
  '2415E-2',
  '1e400',
  '1.005',
  '01',
  '-',
  '1.',
  '.5',
  '0.0',
  '00',
  '1e',
  '12345678901234567890123456789.0123',
];
const INSTANTS = [
  '2025-06-26T14:11:33Z',
  '2025-06-26T14:11:33.000Z',
  '2025-06-26T14:11:33.250001Z',
  '2025-06-26T14:11:33.1234567Z',
  '2025-06-26T14:11:33.1234567891Z',
  '1969-12-31T23:59:59.5-05:30',
  '2025-06-26T14:11:33+00:00',
  '2025-06-26T14:11:33.123456+05:45',
  '2024-02-29T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '1700-01-01T00:00:00Z',
  '1699-12-31T23:59:59Z',
  '9999-12-31T23:59:59.999999Z',
  '2025-06-26t14:11:33z',
  '2025-06-26 14:11:33Z',
  '2025-06-26T14:11:33',
  '2025-06-26T24:00:00Z',
  '2025-06-26T23:59:60Z',
  '2025-06-26T14:11:33.Z',
  '2025-06-26T14:11:33+24:00',
  '1970-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
];
const DATES = [
  '2025-06-26',
  '2024-02-29',
  '2025-02-29',
  '0001-01-01',
  '9999-12-31',
  '0000-01-01',
  '1970-01-01',
  '2025-6-26',
  '2025-13-01',
  '2025-00-10',
];
const ANY = [
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '1',
  '"x"',
  '{"a":[1,{"b":"]"}]}',
  '[[[["}"]]]]',
  '{"x":1,"x":{}}',
  '[1,]',
  '{"a"}',
  'nul',
  '"\\u0041"',
  '{"\\u0041":"é"}',
  '[-0.0e5,true,null]',
  ' [ ] ',
  '{ "a" : [ 1 , 2 ] }',
];

const BYTES = [
  ...Buffer.from('{}[]:,"\\/ \t\n0123456789+-.eEutfnrb'),
  0,
  0x1f,
  0x7f,
  0x80,
  0xbf,
  0xc0,
  0xc2,
  0xe0,
  0xed,
  0xa0,
  0x9f,
  0xef,
  0xf0,
  0xf4,
  0x90,
  0xff,
];

/** How white space stands: behind commas and colons as one habit has it, or anywhere. */
const GAPS = ['', '', '', ' ', ' ', 'any'] as const;

export class DocumentWriter {
  private readonly random: Random;
  private gap: (typeof GAPS)[number] = '';
  /** One of so many values, keys or members is odd; Infinity where none is. */
  private oddOnce = Infinity;

  constructor(random: Random) {
    this.random = random;
  }

  /** An event of the schema as it is, and others made of it by small injuries. */
  events(ofSchema: Schema, count: number): readonly Uint8Array[] {
    this.gap = this.one(GAPS);
    this.oddOnce = this.one([Infinity, Infinity, 40, 12]);
    const text = this.space() + this.object(ofSchema.fields) + this.space();
    const bytes = Buffer.from(text.toWellFormed());
    return Array.from({ length: count }, (_, index) => (index === 0 ? bytes : this.injured(bytes)));
  }

  private object(fields: readonly Field[]): string {
    const members: string[] = [];
    for (const field of fields) {
      if (this.chance(field.required ? 200 : 6)) continue;
      members.push(this.member(field.name, this.isOdd() ? this.one(ANY) : this.fieldValue(field)));
    }
    if (this.chance(4)) this.shuffle(members);
    if (this.chance(10))
      this.insert(members, this.member(this.one(['unknown', 'größe', '', 'i', 'id2', 'a}b']), this.one(ANY)));
    if (this.isOdd()) this.insert(members, this.member(this.one(fields).name, this.one(ANY)));
    return `{${this.space()}${members.join(`${this.space()},${this.behind()}`)}${this.space()}}`;
  }

  private member(name: string, value: string): string {
    return `${this.isOdd() ? this.escaped(name) : JSON.stringify(name)}${this.space()}:${this.behind()}${value}`;
  }

  private fieldValue({ type, required }: Field): string {
    return !required && this.chance(8) ? 'null' : this.value(type);
  }

  private value(type: FieldType): string {
    if (type.kind === 'struct') return this.object(type.fields);
    if (type.kind !== 'array') return this.primitive(type);
    const elements = Array.from({ length: this.random.below(5) }, () =>
      type.containsNull && this.chance(5)
        ? 'null'
        : this.isOdd()
          ? this.one(ANY)
          : this.primitive(type.element),
    );
    return `[${this.space()}${elements.join(`${this.space()},${this.behind()}`)}${this.space()}]`;
  }

  private primitive(type: PrimitiveType): string {
    switch (type.kind) {
      case 'string':
        return this.text();
      case 'boolean':
        return this.isOdd() ? this.one(ANY) : this.one(['true', 'false']);
      case 'timestamp':
        return JSON.stringify(this.isOdd() ? this.one(INSTANTS) : this.instant());
      case 'date':
        return JSON.stringify(this.isOdd() ? this.one(DATES) : this.instant().slice(0, 10));
      case 'int':
      case 'long':
        return this.number(0);
      case 'double':
        return this.number(this.random.below(9));
      case 'decimal':
        return this.number(Math.min(type.scale, this.random.below(4)), type.precision - type.scale);
    }
  }

  private text(): string {
    if (!this.isOdd()) {
      const text = `${this.one(['customer_', 'product ', '', 'é', 'New York '])}${this.random.below(50)}`;
      return `"${text}${'.'.repeat(this.random.below(6))}"`;
    }
    const text = this.one(TEXTS);
    return this.chance(3) ? this.escaped(text) : JSON.stringify(text);
  }

  private number(decimals: number, wholeDigits = 6): string {
    if (this.isOdd()) return this.one(NUMBERS);
    const whole = this.random.below(10 ** Math.min(wholeDigits, this.random.below(7)));
    const sign = this.chance(5) ? '-' : '';
    const fraction = String(this.random.below(10 ** decimals)).padStart(decimals, '0');
    return decimals === 0 ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
  }

  private instant(): string {
    const date = new Date(this.random.below(2 ** 31) * 1000 + this.random.below(1000)).toISOString();
    return this.one([date, date.replace(/\.\d+/, ''), date.replace('Z', '000+02:00')]);
  }

  private escaped(text: string): string {
    const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
    return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
  }

  private space(): string {
    return this.gap === 'any' ? this.one(['', '', ' ', '\n', '\t\r ']) : '';
  }

  private behind(): string {
    return this.gap === 'any' ? this.space() : this.gap;
  }

  /** One to three small injuries. */
  private injured(original: Buffer): Uint8Array {
    let bytes = original;
    for (let left = this.one([1, 1, 1, 2, 3]); left > 0; left--) {
      const at = this.random.below(bytes.length + 1);
      const behind = Math.min(bytes.length, at + 1 + this.random.below(12));
      const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
      switch (this.random.below(6)) {
        case 0:
          bytes = Buffer.concat([head, Buffer.of(this.one(BYTES)), tail.subarray(1)]);
          break;
        case 1:
          bytes = Buffer.concat([head, Buffer.of(this.one(BYTES)), tail]);
          break;
        case 2:
          bytes = Buffer.concat([head, bytes.subarray(behind)]);
          break;
        case 3:
          bytes = Buffer.concat([bytes.subarray(0, behind), tail]);
          break;
        case 4:
          bytes = Buffer.concat([head, tail.subarray(1)]);
          break;
        case 5:
          // One bit, or the rest of the event.
          if (this.chance(4) || tail.length === 0) bytes = head;
          else
            bytes = Buffer.concat([
              head,
              Buffer.of((tail[0] as number) ^ (1 << this.random.below(8))),
              tail.subarray(1),
            ]);
          break;
      }
    }
    return bytes;
  }

  private insert(members: string[], member: string): void {
    members.splice(this.random.below(members.length + 1), 0, member);
  }

  private shuffle(members: string[]): void {
    for (let index = members.length - 1; index > 0; index--) {
      const other = this.random.below(index + 1);
      [members[index], members[other]] = [members[other] as string, members[index] as string];
    }
  }

  private isOdd(): boolean {
    return this.oddOnce !== Infinity && this.chance(this.oddOnce);
  }

  private chance(once: number): boolean {
    return this.random.below(once) === 0;
  }

  private one<T>(all: readonly T[]): T {
    return all[this.random.below(all.length)] as T;
  }
}
