/** Why a phone could not do what was asked. */

/** `code` is the SIP status of the far end, 408 when nobody answered, 487 when we gave up ourselves, 488 for a useless SDP. */
export class PhoneError extends Error {
  readonly code: number
  readonly phrase: string

  constructor(code: number, phrase: string) {
    super(`${code} ${phrase}`)
    this.name = 'PhoneError'
    this.code = code
    this.phrase = phrase
  }
}
