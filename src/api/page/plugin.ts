/**
 * Serves the page at `/`: a fixed list of files beside this one, read once at start, and the settings they need. Everything
 * comes from this server; the page may load nothing from elsewhere.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** What the page cannot ask the API for. */
export interface PageSettings {
  /** The number to dial for the demo agent; '' when no demo agent runs here. */
  readonly demoNumber: string
  /** Which sentences to offer after which line of the agent: the first entry whose `ending` fits. */
  readonly guide: {
    readonly speaking: readonly string[]
    readonly entries: readonly { readonly ending: string; readonly phrases: readonly string[] }[]
  }
}

export interface PageOptions {
  /** Asked for each page: the number may be assigned after the start. */
  settings(): PageSettings
}

/** Every file there is; anything else is the API's 404. */
const FILES = [
  'page.css',
  'page.js',
  'account.js',
  'bubbles.js',
  'call.js',
  'capture-worklet.js',
  'chips.js',
  'dom.js',
  'events.js',
  'latency.js',
  'phone.js',
  'playback-queue.js',
  'playback-worklet.js',
  'resampler.js',
  'snippets.js',
  'sound.js',
  'talk.js',
  'icon.svg',
] as const

const TYPES: { readonly [ending: string]: string } = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

const SECURITY = {
  'content-security-policy':
    "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

interface PageFile {
  readonly bytes: Buffer
  readonly type: string
  readonly etag: string
}

export async function pagePlugin(fastify: FastifyInstance, options: PageOptions): Promise<void> {
  const hidden = { schema: { hide: true } as object }
  const index = read('index.html')
  fastify.get('/', hidden, (request, reply) => send(reply, index, request.headers['if-none-match']))
  for (const name of FILES) {
    const file = read(name)
    fastify.get(`/page/${name}`, hidden, (request, reply) => send(reply, file, request.headers['if-none-match']))
  }
  fastify.get('/page/settings.json', hidden, (_request, reply) => {
    const { demoNumber, guide } = options.settings()
    return reply.headers(SECURITY).header('cache-control', 'no-store').send({ demo_number: demoNumber, guide })
  })
}

function read(name: string): PageFile {
  const bytes = readFileSync(new URL(name, import.meta.url))
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return { bytes, type: TYPES[name.slice(name.lastIndexOf('.') + 1)]!, etag }
}

function send(reply: FastifyReply, file: PageFile, known: string | undefined): FastifyReply {
  reply.headers(SECURITY).header('cache-control', 'no-cache').header('etag', file.etag)
  if (known === file.etag) return reply.code(304).send()
  return reply.type(file.type).send(file.bytes)
}
