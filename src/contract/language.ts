/** Languages (contract §10.1): what engines serve, and how a tag from a client is read. */

import { z } from 'zod'
import { AppError } from './errors.ts'

export const languageSchema = z
  .object({
    language: z.string(),
    /** Names of the engines that recognise it; empty = none. */
    stt: z.array(z.string()),
    /** Names of the engines that speak it; empty = none. */
    tts: z.array(z.string()),
    voices: z.array(z.string()),
  })
  .meta({ id: 'Language' })

export interface LanguageDoc {
  readonly language: string
  readonly stt: readonly string[]
  readonly tts: readonly string[]
  readonly voices: readonly string[]
}

/** What a session or action is given when it asks for no language. */
export const DEFAULT_LANGUAGE = 'en-US'

const NAMES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' })
const REGIONS = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })

/**
 * The usual form of a BCP 47 tag: `en-us` becomes `en-US`; a bare language gets its most likely region (`en` -> `en-US`).
 * @returns null when it names no language
 */
export function readLanguage(tag: string): string | null {
  let locale: Intl.Locale
  try {
    locale = new Intl.Locale(tag)
    if (!NAMES.of(locale.language)) return null
    if (locale.region !== undefined && !REGIONS.of(locale.region)) return null
  } catch {
    return null
  }
  if (locale.region !== undefined) return locale.baseName
  const region = locale.maximize().region
  return region === undefined ? locale.baseName : `${locale.baseName}-${region}`
}

/** Whether an engine recognises or speaks a language, in its usual form. */
export function isServed(language: string, kind: 'stt' | 'tts', available: readonly LanguageDoc[]): boolean {
  return available.some((one) => one.language === language && one[kind].length > 0)
}

/**
 * The language a session will use.
 *
 * @throws AppError INVALID_ARGUMENT when `tag` is no language, LANGUAGE_NOT_AVAILABLE when no engine serves it; `details`
 *   then lists those that are served and says `howToAdd`
 */
export function chooseLanguage(
  tag: string,
  kind: 'stt' | 'tts',
  available: readonly LanguageDoc[],
  howToAdd: string,
): LanguageDoc {
  const language = readLanguage(tag)
  if (language === null) {
    const message = 'language: must be a BCP 47 tag such as en-US'
    throw new AppError('INVALID_ARGUMENT', { message, details: [{ field: 'language', message }] })
  }
  const served = available.filter((one) => one[kind].length > 0)
  const found = served.find((one) => one.language === language)
  if (found) return found
  throw new AppError('LANGUAGE_NOT_AVAILABLE', {
    message: `No installed engine ${kind === 'stt' ? 'recognises' : 'speaks'} ${language}.`,
    details: [
      { field: 'language', requested: language, available: served.map((one) => one.language) },
      { message: howToAdd },
    ],
  })
}
