import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { VirtualClock } from '../kernel/clock.ts'
import { SoundFiles, type SoundFilesOptions } from './sound-files.ts'

const SOUND = Uint8Array.of(82, 73, 70, 70, 1, 2, 3)

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function files(t: TestContext, options: Partial<SoundFilesOptions> = {}): { files: SoundFiles; clock: VirtualClock } {
  const clock = new VirtualClock(0)
  const made = new SoundFiles({ clock, mediaDir: '/nowhere', ...options })
  t.after(() => made.close())
  return { files: made, clock }
}

async function whyNot(of: SoundFiles, url: string): Promise<string> {
  const loaded = await of.load(url, 'me')
  assert.ok(!loaded.ok)
  return loaded.why
}

test('a file is fetched once in five minutes, also when asked for twice at once, and is in shared memory', async (t) => {
  const { url, asked } = await serve(t, (_, response) => response.end(SOUND))
  const { files: of, clock } = files(t)
  const [first, second] = await Promise.all([of.load(`${url}/a.wav`, 'me'), of.load(`${url}/a.wav`, 'me')])
  assert.ok(first.ok && second.ok)
  assert.deepEqual([...first.value], [...SOUND])
  assert.ok(first.value.buffer instanceof SharedArrayBuffer)
  assert.equal(second.value, first.value)
  clock.advanceTo(299_000)
  assert.ok((await of.load(`${url}/a.wav`, 'me')).ok)
  assert.equal(asked.length, 1)
  clock.advanceTo(301_000)
  assert.ok((await of.load(`${url}/a.wav`, 'me')).ok)
  assert.equal(asked.length, 2)
})

test('what is kept is bounded, and the oldest goes first', async (t) => {
  const { url, asked } = await serve(t, (_, response) => response.end(new Uint8Array(400)))
  const { files: of } = files(t, { maxCacheBytes: 1_000 })
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) assert.ok((await of.load(`${url}/${name}`, 'me')).ok)
  assert.deepEqual(asked, ['/a', '/b', '/c', '/b'])
  assert.equal(of.keptBytes, 800)
})

test('three redirects are followed, a fourth is not', async (t) => {
  const { url } = await serve(t, (request, response) => {
    const left = Number(request.url?.slice(1))
    if (left === 0) response.end(SOUND)
    else response.writeHead(302, { location: `/${left - 1}` }).end()
  })
  const { files: of } = files(t)
  assert.ok((await of.load(`${url}/3`, 'me')).ok)
  assert.equal(await whyNot(of, `${url}/4`), 'too many redirects')
})

test('no redirect leads to where clouds keep their keys, to a file, or to another protocol', async (t) => {
  const targets = [
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
  ]
  const { url } = await serve(t, (request, response) =>
    response.writeHead(302, { location: targets[Number(request.url?.slice(1))] }).end(),
  )
  const { files: of } = files(t)
  for (const n of [0, 1, 2]) assert.equal(await whyNot(of, `${url}/${n}`), 'the address is not allowed')
  for (const n of [3, 4]) assert.equal(await whyNot(of, `${url}/${n}`), 'only http, https and file')
  assert.equal(await whyNot(of, 'http://169.254.169.254/'), 'the address is not allowed')
})

test('private addresses are refused where strangers share the server', async (t) => {
  const { url, asked } = await serve(t, (_, response) => response.end(SOUND))
  const { files: of } = files(t, { blockPrivate: true })
  assert.equal(await whyNot(of, url), 'the address is not allowed')
  assert.equal(asked.length, 0)
})

test('a file that is too large is left, announced or not', async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': 2_000_000 })
    response.write(new Uint8Array(1_200_000))
    if (request.url !== '/announced') response.end()
  })
  const { files: of } = files(t, { maxFileBytes: 1024 * 1024 })
  assert.equal(await whyNot(of, `${url}/announced`), 'the file is larger than 1 MB')
  assert.equal(await whyNot(of, `${url}/chunked`), 'the file is larger than 1 MB')
  assert.equal(of.keptBytes, 0)
})

test('many large files at once fail before the memory is full, and later ones come again', async (t) => {
  const { url } = await serve(t, (request, response) => {
    response.write(new Uint8Array(60_000))
    if (request.url === '/whole') response.end()
  })
  const { files: of } = files(t, { maxComingBytes: 100_000, headersTimeoutMs: 300 })
  const whys = await Promise.all(['/a', '/b', '/c'].map((name) => whyNot(of, url + name)))
  assert.equal(whys.filter((why) => why === 'too many files are being fetched').length, 2)
  assert.ok((await of.load(`${url}/whole`, 'me')).ok)
})

test('a server that says no, says nothing, or is not there fails without its address', async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.url?.startsWith('/404')) response.writeHead(404).end()
  })
  const { files: of } = files(t, { headersTimeoutMs: 300, totalTimeoutMs: 3_000 })
  assert.equal(await whyNot(of, `${url}/404?token=secret`), 'the server answered 404')
  assert.equal(await whyNot(of, `${url}/silent?token=secret`), 'the server took too long')
  assert.match(await whyNot(of, 'http://127.0.0.1:1/?token=secret'), /^the file could not be fetched \(ECONNREFUSED\)$/)
  assert.equal(await whyNot(of, 'nonsense'), 'not a valid address')
  assert.equal(await whyNot(of, 'data:audio/wav;base64,AAAA'), 'only http, https and file')
})

test('files come from the media folder only, wherever links and dots lead', async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'quietline-files-'))
  t.after(() => rm(root, { recursive: true }))
  const mediaDir = path.join(root, 'media')
  await mkdir(path.join(mediaDir, 'me'), { recursive: true })
  await mkdir(path.join(root, 'media-secret'))
  for (const name of ['shared', 'other']) await mkdir(path.join(mediaDir, name))
  await writeFile(path.join(mediaDir, 'other', 'private.wav'), SOUND)
  await writeFile(path.join(mediaDir, 'me', 'welcome.wav'), SOUND)
  await writeFile(path.join(root, 'media-secret', 'key.wav'), SOUND)
  await symlink(path.join(root, 'media-secret', 'key.wav'), path.join(mediaDir, 'me', 'link.wav'))
  await symlink(path.join(mediaDir, 'me', 'welcome.wav'), path.join(mediaDir, 'shared', 'inside.wav'))
  await writeFile(path.join(mediaDir, 'shared', 'large.wav'), new Uint8Array(3_000))
  const { files: of } = files(t, { mediaDir, maxFileBytes: 2_000 })
  const at = (...parts: string[]): string => pathToFileURL(path.join(root, ...parts)).href

  for (const name of ['media/me/welcome.wav', 'media/shared/inside.wav']) {
    const loaded = await of.load(at(name), 'me')
    assert.ok(loaded.ok)
    assert.deepEqual([...loaded.value], [...SOUND])
  }
  const outside = [
    at('media-secret', 'key.wav'),
    at('media', 'me', 'link.wav'),
    at('media', 'other', 'private.wav'),
    at('media', 'missing.wav'),
    at('media', 'me'),
    at('media'),
    `${at('media')}/../media-secret/key.wav`,
    `${at('media')}/%2e%2e/media-secret/key.wav`,
    'file:///etc/passwd',
  ]
  for (const url of outside) assert.equal(await whyNot(of, url), 'no such file in the media folder', url)
  assert.equal(await whyNot(of, `${at('media')}/..%2fmedia-secret/key.wav`), 'not a valid file address')
  assert.equal(await whyNot(of, 'file://other-host/share/a.wav'), 'not a valid file address')
  assert.match(await whyNot(of, at('media', 'shared', 'large.wav')), /larger than/)
})
