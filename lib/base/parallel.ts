/** Runs `work` on each of `inputs`, at most `limit` at once; results in the order of the inputs. */
export async function inParallel<T, R>(
  inputs: readonly T[],
  limit: number,
  work: (input: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const runOn = async () => {
    while (next < inputs.length) {
      const at = next++
      results[at] = await work(inputs[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, inputs.length) }, runOn))
  return results
}
