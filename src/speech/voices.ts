/** The voices of the local synthesiser, and which of them answers the names other products use. */

export type Gender = 'female' | 'male'

export interface VoiceInfo {
  /** Name in `TalkCommand.utter.voice` and in the API's `voice_id`. */
  readonly id: string
  readonly engine: 'flite'
  readonly gender: Gender
  /** BCP47 tags this voice can read. */
  readonly languages: readonly string[]
  readonly label: string
}

export const VOICES: readonly VoiceInfo[] = [
  { id: 'slt', engine: 'flite', gender: 'female', languages: ['en-US'], label: 'American, female' },
  { id: 'rms', engine: 'flite', gender: 'male', languages: ['en-US'], label: 'American, male' },
  { id: 'awb', engine: 'flite', gender: 'male', languages: ['en-GB', 'en-US'], label: 'Scottish, male' },
  { id: 'kal16', engine: 'flite', gender: 'male', languages: ['en-US'], label: 'American, male, diphones' },
]

export const DEFAULT_VOICE = 'slt'

/** What a request may say about the voice it wants. Empty strings count as not given. */
export interface VoiceWish {
  readonly voiceId?: string | null
  /** `neutral` and unknown words count as not given. */
  readonly gender?: string | null
  readonly language?: string | null
  /** A name of the form `en-US-Neural2-F`. */
  readonly voice?: string | null
}

/**
 * Always an installed voice: an exact `voiceId` first, then `voice`, then `gender`, then the default.
 * Contract §8 (unknown voice_id: default voice, no error) and §17 (names of other vendors).
 */
export function pickVoice(wish: VoiceWish): string {
  const named = installed(wish.voiceId) ?? installed(wish.voice)
  if (named) return named.id
  const gender = genderOfName(wish.voiceId) ?? genderOfName(wish.voice) ?? genderOfWord(wish.gender)
  return ofGender(gender, wish.language)?.id ?? DEFAULT_VOICE
}

function installed(id: string | null | undefined): VoiceInfo | undefined {
  return VOICES.find((voice) => voice.id === id?.toLowerCase())
}

function genderOfWord(word: string | null | undefined): Gender | null {
  const lower = word?.toLowerCase()
  return lower === 'female' || lower === 'male' ? lower : null
}

const VENDOR_NAME = /^([a-z]{2,3}-[a-z]{2})-[a-z0-9]+(?:-[a-z0-9]+)*-([a-z])$/i
const EN_US_MALE = 'ABDIJ'
const EN_US_FEMALE = 'CEFGH'

/** Letters have a meaning for en-US only; other languages get the default voice. */
function genderOfName(name: string | null | undefined): Gender | null {
  const [, language, letter] = VENDOR_NAME.exec(name ?? '') ?? []
  if (language?.toLowerCase() !== 'en-us' || letter === undefined) return null
  if (EN_US_MALE.includes(letter.toUpperCase())) return 'male'
  return EN_US_FEMALE.includes(letter.toUpperCase()) ? 'female' : null
}

function ofGender(gender: Gender | null, language: string | null | undefined): VoiceInfo | undefined {
  if (gender === null) return undefined
  const fitting = VOICES.filter((voice) => voice.gender === gender)
  return fitting.find((voice) => voice.languages[0] === language) ?? fitting[0]
}
