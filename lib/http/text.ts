const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * More is shown as base64 whatever it is: JSON writes a control character in six, and a record that is small when it is compressed
 * would be a text which no engine holds, or which takes so long to write that all others wait.
 */
export const SHOWN_TEXT_BYTES_MAX = 16 * 1_024 * 1_024

/** The bytes as text to be shown in JSON; undefined: as base64. */
export function shownTextIn(bytes: Uint8Array): string | undefined {
  return bytes.length > SHOWN_TEXT_BYTES_MAX ? undefined : textIn(bytes)
}

/** The bytes as text, if they are UTF-8. */
export function textIn(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
