// Removes what can be made again. Data and dependencies stay: `make clean` must never cost anybody a checkpoint.
import { rmSync } from 'node:fs';

for (const folder of ['dist', 'coverage', 'node_modules/.cache']) {
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
}
