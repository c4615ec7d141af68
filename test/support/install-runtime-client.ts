/** Compiles AWS's Lambda runtime client, which runs functions in sandboxes: once, to $VARVE_TOOLS or .cache/tools. */
import { installRuntimeClient } from 'localstack-utils'

console.log(await installRuntimeClient())
