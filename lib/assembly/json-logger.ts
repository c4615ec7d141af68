import type { Logger } from '../base/index.ts'

/** One JSON object a line: time, level, event, fields. */
export function jsonLogger(write: (line: string) => void): Logger {
  const log = (level: string) => (event: string, fields?: Record<string, unknown>) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
  return { info: log('info'), warn: log('warn'), error: log('error') }
}
