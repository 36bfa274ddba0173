// Writes the bytes of the hash's WebAssembly module into src. They are committed, so that no start has to assemble them.
import { writeFileSync } from 'node:fs';
import { assembleSipHash } from './wasm/siphash.ts';

const LINE_CHARACTERS = 100;

const text = Buffer.from(assembleSipHash()).toString('base64');
const lines = text.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
writeFileSync(
  new URL('../src/columns/hash/siphash-wasm.ts', import.meta.url),
  `/** The module that scripts/wasm/siphash.ts assembles, in base64. Made by \`npm run build-wasm\`. */
export const SIPHASH_WASM = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('');
`,
);
