/**
 * WebAssembly modules written as expressions. Its 64-bit whole numbers are what is wanted of it: JavaScript has none
 * that are fast. An expression is the bytes of its instructions, nested as they were put together; they are copied once,
 * into the module.
 * Source of the codes: WebAssembly Core Specification 2.0, chapter 5 (binary format).
 */

/** Instructions, as bytes. */
export type Code = Uint8Array | readonly (number | Code)[];

const I32 = 0x7f;
const I64 = 0x7e;
const TYPE_OF = { i32: I32, i64: I64 } as const;
const EMPTY_BLOCK = 0x40;
const END = 0x0b;
/** `\0asm`, version 1. */
const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const select = (condition: Code, then: Code, otherwise: Code): Code => [
  then,
  otherwise,
  condition,
  0x1b,
];
export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  [condition, 0x04, EMPTY_BLOCK, then],
  otherwise.length === 0 ? [] : [0x05, otherwise],
  END,
];
/** Carries `body` out as long as `condition` holds, which is asked first. */
export const loopWhile = (condition: Code, body: Code): Code =>
  when(condition, [0x03, EMPTY_BLOCK, body, condition, 0x0d, 0x00, END]);

export const i32 = {
  constant: (value: number): Code => [0x41, signed(BigInt(value))],
  load: (address: Code, offset = 0): Code => [address, 0x28, 0x02, unsigned(offset)],
  add: binary(0x6a),
  sub: binary(0x6b),
  and: binary(0x71),
  shl: binary(0x74),
  lessSigned: binary(0x48),
  lessUnsigned: binary(0x49),
};

export const i64 = {
  constant: (value: bigint): Code => [0x42, signed(BigInt.asIntN(64, value))],
  /** Addresses need no alignment; it is the fast case all the same. */
  load: (address: Code, offset = 0): Code => [address, 0x29, 0x03, unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [address, value, 0x37, 0x03, unsigned(offset)],
  add: binary(0x7c),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  shl: binary(0x86),
  rotateLeft: binary(0x89),
  greaterUnsigned: binary(0x56),
  ofUnsigned: (value: Code): Code => [value, 0xad],
};

export interface WasmFunction {
  /** How many parameters it has, all of them i32: the locals from 0 on. */
  readonly parameters: number;
  /** The types of its other locals, numbered behind the parameters. */
  readonly locals: readonly (keyof typeof TYPE_OF)[];
  readonly body: Code;
}

/** The bytes of a module that has these functions over one memory, which it imports as `host.memory`. */
export function assembleModule(named: Readonly<Record<string, WasmFunction>>): Uint8Array {
  const functions = Object.entries(named);
  const types = functions.map(([, { parameters }]) => [
    [0x60, vector(Array.from({ length: parameters }, () => [I32]))],
    0,
  ]);
  // One memory of at least one page, and no bound of its own.
  const imported = [text('host'), text('memory'), 0x02, 0x00, 0x01];
  const indices = functions.map((_, index) => unsigned(index));
  const exported = functions.map(([name], index) => [text(name), 0x00, unsigned(index)]);
  const bodies = functions.map(([, { locals, body }]) =>
    sized([vector(locals.map((type) => [1, TYPE_OF[type]])), body, END]),
  );
  return new Uint8Array([
    ...PREAMBLE,
    ...section(1, types),
    ...section(2, [imported]),
    ...section(3, indices),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}

function section(id: number, entries: readonly Code[]): number[] {
  return [id, ...sized(vector(entries))];
}

/** Behind its own length. */
function sized(code: Code): number[] {
  const bytes = flatten(code, []);
  return [...unsigned(bytes.length), ...bytes];
}

/** Instructions that occur many times: put together once, since this code runs cold, at every start. */
export function repeated(code: Code): Code {
  return new Uint8Array(flatten(code, []));
}

function flatten(code: Code, into: number[]): number[] {
  if (code instanceof Uint8Array) {
    into.push(...code);
    return into;
  }
  for (let index = 0; index < code.length; index += 1) {
    const part = code[index] as number | Code;
    if (typeof part === 'number') into.push(part);
    else flatten(part, into);
  }
  return into;
}

function vector(entries: readonly Code[]): Code {
  return [unsigned(entries.length), entries];
}

/** A name in ASCII. */
function text(value: string): Code {
  return [unsigned(value.length), Array.from(value, (character) => character.charCodeAt(0))];
}

function binary(code: number): (left: Code, right: Code) => Code {
  return (left, right) => [left, right, code];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128, in two's complement. */
function signed(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = rest === 0n ? low < 0x40 : rest === -1n && low >= 0x40;
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}
