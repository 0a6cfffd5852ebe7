/** Numbers as a person says them. A synthesiser reads words more evenly than digits. */

const SMALL = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
] as const

const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'] as const

/**
 * @param value 0 to 999,999; a fraction is rounded
 * @returns words without hyphens: `four hundred and twenty`
 */
export function inWords(value: number): string {
  const whole = Math.min(999_999, Math.max(0, Math.round(value)))
  if (whole < 20) return SMALL[whole]!
  if (whole < 100) return joined(TENS[Math.floor(whole / 10)]!, ' ', whole % 10)
  if (whole < 1000) return joined(`${inWords(Math.floor(whole / 100))} hundred`, ' and ', whole % 100)
  return joined(`${inWords(Math.floor(whole / 1000))} thousand`, whole % 1000 < 100 ? ' and ' : ' ', whole % 1000)
}

function joined(head: string, link: string, rest: number): string {
  return rest === 0 ? head : head + link + inWords(rest)
}

/** `one person`, `two people`, `one turn`, `five turns`. */
export function counted(count: number, one: string, many: string): string {
  return `${inWords(count)} ${count === 1 ? one : many}`
}
