/** Memory of WebAssembly: a kernel's, or one without code, which grows in place. */

/** The parts of the standard global that are used here; the type library of a server does not have it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum?: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** Grows in place, in pages of {@link WASM_PAGE_BYTES}. Views of `buffer` that were made before it grew are useless after. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const WASM_PAGE_BYTES = 65_536;

/** A memory without code, of at most this many pages. */
export function growingMemory(pagesMax: number): WasmMemory {
  return new WebAssembly.Memory({ initial: 1, maximum: pagesMax });
}

/** Compiles a module over one memory. What it returns makes instances, each with a memory of this many pages. */
export function compileWasm(
  bytes: Uint8Array,
): (pages: number) => { readonly memory: WasmMemory; readonly functions: object } {
  const module = new WebAssembly.Module(bytes);
  return (pages) => {
    const memory = new WebAssembly.Memory({ initial: pages });
    const { exports } = new WebAssembly.Instance(module, { host: { memory } });
    return { memory, functions: exports };
  };
}
