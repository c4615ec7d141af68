export {
  installLocalStack,
  installRuntimeClient,
  type LocalStackTools,
  whyNoRuntimeClient,
  whyNotInstallable,
} from './install.ts'
export { type LocalStack, type LocalStackOptions, startLocalStack } from './localstack.ts'
export { type InvocationResult, Sandbox, type SandboxOptions } from './sandbox.ts'
