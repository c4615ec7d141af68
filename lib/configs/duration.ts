/** Days, hours, minutes and seconds of ISO 8601 (`PnDTnHnMn.nS`), as java.time.Duration reads them; undefined: not one. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:[.,]\d{0,9})?)S)?)?$/i.exec(
    text,
  )
  if (!match) return undefined
  const [, sign, days, time, hours, minutes, seconds] = match
  if (time?.length === 1 || [days, hours, minutes, seconds].every(part => part === undefined)) return undefined
  const part = (digits: string | undefined) => Number(digits?.replace(',', '.') ?? 0)
  const ms = ((part(days) * 24 + part(hours)) * 60 + part(minutes)) * 60_000 + Math.trunc(part(seconds) * 1_000)
  return sign === '-' ? -ms : ms
}
