#!/usr/bin/env node
import { launch } from './launcher.js';

await launch({
  argv: process.argv.slice(2),
  script: new URL('./child.js', import.meta.url),
});
