export { closest, editDistance } from '../../plan/did-you-mean.ts';
