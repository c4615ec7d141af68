/** `node functions/bundle.ts` bundles the functions into dist/functions. */
import { bundleFunctions } from './bundling.ts'

await bundleFunctions()
