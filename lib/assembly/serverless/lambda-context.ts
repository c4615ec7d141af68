/** Of an invocation's context, what the functions use. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** Left for the answer and for what is under way, in ms. */
const MARGIN_MS = 3_000

/** Ms that an invocation's work may take. */
export function workMs(context: LambdaContext): number {
  return Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS)
}
