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
  // V8 gives young objects 1 MiB at first, and doubles it so hesitantly that a busy server stays at two: then it looks for garbage
  // sixty times a second, and what is in flight at that moment grows old. Now its first step is to 16.
  v8.setFlagsFromString('--semi-space-growth-factor=16')
  // Starting is mostly compiling: what was compiled once is kept in the system's folder for temporary files.
  module.enableCompileCache()
}
