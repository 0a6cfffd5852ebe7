/** Answers of things that may rightly fail: rubbish from the network is returned, never thrown. */

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

export function good<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function bad(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why }
}
