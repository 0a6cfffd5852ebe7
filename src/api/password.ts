/**
 * Passwords at rest: argon2id (RFC 9106), or scrypt where this Node has no argon2. The format says which, with its
 * parameters, so that both can be verified for ever: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>`.
 */

import * as crypto from 'node:crypto'
import type { RandomBytes } from './secrets.ts'

/** 19 MiB, two passes: about 20 ms of one core. */
const ARGON2 = { memory: 19_456, passes: 2, parallelism: 1 }
const SCRYPT = { logN: 15, r: 8, p: 1 }
const TAG_BYTES = 32
const SALT_BYTES = 16

const hasArgon2 = typeof crypto.argon2 === 'function'

export async function hashPassword(password: string, randomBytes: RandomBytes, useArgon2 = hasArgon2): Promise<string> {
  const salt = Buffer.from(randomBytes(SALT_BYTES))
  if (useArgon2) {
    const tag = await argon2id(password, salt, ARGON2, TAG_BYTES)
    const { memory, passes, parallelism } = ARGON2
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${print(salt)}$${print(tag)}`
  }
  const tag = await scrypt(password, salt, SCRYPT, TAG_BYTES)
  return `$scrypt$ln=${SCRYPT.logN},r=${SCRYPT.r},p=${SCRYPT.p}$${print(salt)}$${print(tag)}`
}

/** Takes equally long for a right and a wrong password. @returns false also for a hash it cannot read */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const argon = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash)
  if (argon) {
    const [, memory, passes, parallelism, salt, tag] = argon
    const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
    const expected = Buffer.from(tag!, 'base64')
    return crypto.timingSafeEqual(
      expected,
      await argon2id(password, Buffer.from(salt!, 'base64'), parameters, expected.length),
    )
  }
  const scrypted = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash)
  if (!scrypted) return false
  const [, logN, r, p, salt, tag] = scrypted
  const expected = Buffer.from(tag!, 'base64')
  const parameters = { logN: Number(logN), r: Number(r), p: Number(p) }
  return crypto.timingSafeEqual(
    expected,
    await scrypt(password, Buffer.from(salt!, 'base64'), parameters, expected.length),
  )
}

function argon2id(password: string, salt: Buffer, parameters: typeof ARGON2, tagBytes: number): Promise<Buffer> {
  const message = password.normalize('NFC')
  return new Promise((resolve, reject) => {
    crypto.argon2('argon2id', { message, nonce: salt, tagLength: tagBytes, ...parameters }, (error, tag) =>
      error ? reject(error) : resolve(tag),
    )
  })
}

function scrypt(password: string, salt: Buffer, parameters: typeof SCRYPT, tagBytes: number): Promise<Buffer> {
  const { logN, r, p } = parameters
  const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }
  return new Promise((resolve, reject) => {
    crypto.scrypt(password.normalize('NFC'), salt, tagBytes, options, (error, tag) =>
      error ? reject(error) : resolve(tag),
    )
  })
}

function print(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
