/**
 * Emergency numbers, country by country: what people dial when a life is at stake. A table from public knowledge; the first
 * of a country is its main number. What becomes of such a call is decided in `drivers/gate.ts`.
 */

/** Understood by mobile phones everywhere (3GPP TS 22.101 §10.1.1): never anything else. */
const EVERYWHERE: readonly string[] = ['112', '911']

/** ISO 3166-1 code -> numbers as dialled, the main one first. */
export const EMERGENCY_NUMBERS: Readonly<Record<string, string>> = {
  AE: '999 112 991 996 997 998',
  AF: '119 102',
  AL: '112 127 128 129',
  AM: '112 101 102 103 104',
  AO: '112 110 113 115',
  AR: '911 100 101 107',
  AT: '112 122 133 140 144',
  AU: '000 112 106',
  AZ: '112 101 102 103 104',
  BA: '112 122 123 124',
  BB: '911 211 311 511',
  BD: '999',
  BE: '112 100 101',
  BG: '112 150 160 166',
  BH: '999',
  BN: '991 993 995',
  BO: '911 110 118 119',
  BR: '190 192 193 199',
  BS: '911 919',
  BT: '112 110 113',
  BW: '999 997 998',
  BY: '112 101 102 103 104',
  CA: '911',
  CH: '112 117 118 144 1414',
  CI: '170 110 111 180 185',
  CL: '133 131 132',
  CM: '112 113 117 118 119',
  CN: '110 119 120 122',
  CO: '123',
  CR: '911',
  CU: '106 104 105',
  CY: '112 199',
  CZ: '112 150 155 156 158',
  DE: '112 110',
  DK: '112',
  DO: '911',
  DZ: '17 14 1055 1548',
  EC: '911',
  EE: '112',
  EG: '122 123 180',
  ES: '112 061 062 080 085 091 092',
  ET: '911 907 939 991',
  FI: '112',
  FJ: '911 910 917',
  FR: '112 15 17 18 114 191 196',
  GB: '999 112 18000',
  GE: '112',
  GG: '999 112',
  GH: '112 191 192 193',
  GI: '112 190 199',
  GR: '112 100 108 166 199',
  GT: '110 120 122 123',
  GY: '911 912 913',
  HK: '999 992',
  HN: '911 195 198 199',
  HR: '112 192 193 194',
  HU: '112 104 105 107',
  ID: '112 110 113 118 119',
  IE: '112 999',
  IL: '100 101 102',
  IM: '999 112',
  IN: '112 100 101 102 108',
  IQ: '911 104 115 122',
  IR: '110 115 125',
  IS: '112',
  IT: '112 113 115 118 1530',
  JE: '999 112',
  JM: '119 110',
  JO: '911',
  JP: '110 119 118',
  KE: '999',
  KG: '112 101 102 103',
  KH: '117 118 119',
  KR: '112 119 111 113',
  KW: '112',
  KZ: '112 101 102 103 104',
  LA: '191 190 195',
  LB: '112 125 140 175 999',
  LI: '112 117 118 144',
  LK: '119 110 118 1990',
  LT: '112',
  LU: '112 113',
  LV: '112 110 113',
  LY: '1515 193',
  MA: '19 15 150 177 190',
  MD: '112',
  ME: '112 122 123 124',
  MG: '117 118 119',
  MK: '112 192 193 194',
  MM: '199 191 192',
  MN: '105 101 102 103',
  MO: '999 110',
  MT: '112',
  MU: '999 114 115',
  MV: '119 102 118',
  MX: '911',
  MY: '999 991 994',
  MZ: '112 117 119 197 198',
  NA: '10111',
  NG: '112 199 767',
  NI: '118 115 128',
  NL: '112',
  NO: '112 110 113',
  NP: '100 101 102',
  NZ: '111',
  OM: '9999',
  PA: '911 103 104',
  PE: '105 106 116',
  PG: '111 000 110',
  PH: '911 117',
  PK: '15 16 115 1122',
  PL: '112 997 998 999',
  PR: '911',
  PS: '100 101 102',
  PT: '112',
  PY: '911 132 141',
  QA: '999',
  RO: '112',
  RS: '112 192 193 194',
  RU: '112 101 102 103 104',
  RW: '112 111 912',
  SA: '911 997 998 999',
  SD: '999',
  SE: '112',
  SG: '999 995',
  SI: '112 113',
  SK: '112 150 155 158',
  SN: '17 18 1515',
  SR: '115 110 113',
  SV: '911 913',
  SY: '112 110 113',
  TH: '191 199 1669',
  TJ: '112 101 102 103',
  TL: '112',
  TM: '112 001 002 003',
  TN: '197 190 193 198',
  TR: '112 110 155 156 158 177',
  TT: '999 811 990',
  TW: '110 119',
  TZ: '112 114',
  UA: '112 101 102 103 104',
  UG: '999',
  US: '911',
  UY: '911 104 105 109',
  UZ: '112 101 102 103 104',
  VE: '911 171',
  VN: '113 114 115',
  XK: '112 192 193 194',
  YE: '199 191 194',
  ZA: '10111 10177 107',
  ZM: '999 991 993',
  ZW: '999 993 994 995',
}

/**
 * main: 112, 911 and the country's first: nothing else may ever have this name. other: the rest of the country's, all of
 * them with the `0` or `9` of an outside line before it, and everybody's when the country is unknown: an own extension
 * of that name comes first.
 */
export type EmergencyKind = 'main' | 'other'

const OUTSIDE_LINE = /^[09]/

/**
 * @param digits as dialled, without separators and without `+`
 * @param country ISO code, '' when unknown
 */
export function emergencyKind(digits: string, country: string): EmergencyKind | null {
  const own = numbersOf(country)
  if (EVERYWHERE.includes(digits) || (own !== null && digits === own[0])) return 'main'
  const isOne = (some: string): boolean =>
    EVERYWHERE.includes(some) || (own === null ? ALL.has(some) : own.includes(some))
  if (isOne(digits)) return 'other'
  return digits.length > 3 && OUTSIDE_LINE.test(digits) && isOne(digits.slice(1)) ? 'other' : null
}

function numbersOf(country: string): readonly string[] | null {
  return Object.hasOwn(EMERGENCY_NUMBERS, country) ? EMERGENCY_NUMBERS[country]!.split(' ') : null
}

const ALL: ReadonlySet<string> = new Set(Object.values(EMERGENCY_NUMBERS).flatMap((numbers) => numbers.split(' ')))
