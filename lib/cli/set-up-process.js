import module from 'node:module'
import v8 from 'node:v8'

const NODE_MIN = 24

/** What must be there before the first file of the program is read. Ends the process where its Node is too old. */
export function setUpProcess() {
  if (Number.parseInt(process.versions.node, 10) < NODE_MIN) {
    console.error(
      `varve needs Node ${NODE_MIN} or newer, and this is ${process.versions.node}: in its folder, npm start and npm run varve bring their own`,
    )
    process.exit(1)
  }
  // Fixed when a file is read first; each call that waits for the disk holds a thread of these.
  process.env.UV_THREADPOOL_SIZE ??= '6'
  // The space for new objects grows once, to 4 MiB, while the program is loaded: garbage-collection.ts has the rest.
  v8.setFlagsFromString('--semi-space-growth-factor=4')
  // Starting is mostly compiling: what was compiled once is kept in the system's folder for temporary files.
  module.enableCompileCache()
}
