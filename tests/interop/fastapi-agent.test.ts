/**
 * The complete Python program of document 000, word for word but for the host, with its curl commands run by curl: a real
 * phone is greeted, understood and answered. A second variant has the document's own two pieces: who sounds urgent is put
 * through to a person, and the call is summed up at its end.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { callFrom, plain, transcriptsOf } from './calls.ts'
import { curl, curlCommands } from './curl.ts'
import { voicedMs } from './lines.ts'
import { MAKES, type RealPhone } from './phones/phone.ts'
import { Program } from './program.ts'
import { freePorts, HERE, lacking, lackingPython, PYTHON } from './tools.ts'
import { never, until } from './until.ts'
import { type Doc, openWorld, type World } from './world.ts'

const NUMBER = '+899300320'
const TRANSFER_NUMBER = '+899300321'
const GREETING = 'Hello! How can I help you today?'
const QUESTION = 'what are your opening hours'
const URGENT = 'i want to talk to a supervisor'
const TO_PERSON = 'i need help with my account balance'
const FROM_PERSON = 'hi good to see you how are you today'
/** Long enough for a second copy of an event to arrive, or an unwanted word to be spoken. */
const AFTERWARDS_MS = 1_500
const [SIGNUP, WEBHOOKS, FLOWS] = curlCommands('000') as [string, string, string]
const PROGRAM = readFileSync(path.join(import.meta.dirname, 'seed-000-agent.py'), 'utf8')
const WEBHOOK = 'https://your-server.example.com/webhook'

const skip = lacking('bash', 'curl') || lackingPython('fastapi', 'uvicorn', 'httpx')

let world: World
/** Signed up by the document's own command. */
let token = ''
let ask: World['ask']

before(async () => {
  if (skip) return
  world = await openWorld({ rtpPorts: '26400-26498', lines: [QUESTION, URGENT, TO_PERSON, FROM_PERSON] })
})

after(() => world?.close())

/** Runs a program as `uvicorn main:app`. @returns it, and where it is told of events */
async function serve(text: string): Promise<{ agent: Program; url: string }> {
  const cwd = mkdtempSync(path.join(world.folder, 'fastapi-'))
  writeFileSync(path.join(cwd, 'main.py'), text.replace('https://api.voipbin.net', `http://${HERE}:${world.httpPort}`))
  const port = await freePorts()
  const agent = new Program({
    command: PYTHON,
    args: ['-u', '-m', 'uvicorn', 'main:app', '--host', HERE, '--port', String(port)],
    cwd,
    env: {
      VOIPBIN_TOKEN: token,
      OPENAI_API_KEY: 'sk-none',
      PYTHONPATH: path.join(import.meta.dirname, 'stubs'),
      PYTHONIOENCODING: 'utf-8',
      LANG: 'C.UTF-8',
    },
  })
  await agent.says(/Application startup complete/)
  return { agent, url: `http://${HERE}:${port}/webhook` }
}

/** How often uvicorn was told something: one line of its log each. */
function requestsOf({ output }: Program): number {
  return output.match(/"POST \/webhook HTTP\/1\.1"/g)?.length ?? 0
}

async function register(url: string): Promise<Doc> {
  const replaced = { [WEBHOOK]: url }
  const webhook = await curl(WEBHOOKS, world.httpPort, replaced, { VOIPBIN_TOKEN: token })
  assert.equal(webhook.status, 200, JSON.stringify(webhook.body))
  const flow = await curl(FLOWS, world.httpPort, replaced, { VOIPBIN_TOKEN: token })
  assert.equal(flow.status, 200, JSON.stringify(flow.body))
  return flow.body
}

async function enter(make: (typeof MAKES)[number], user: string): Promise<RealPhone> {
  await ask('POST', '/extensions', { extension: user, password: 'correct-horse', name: user })
  return world.phone(make, user)
}

test("S0 check 1: the document's signup command gives a token that works", { skip, timeout: 60_000 }, async () => {
  const { status, body } = await curl(SIGNUP, world.httpPort, {})
  assert.equal(status, 200)
  const { accesskey, customer } = body as { accesskey: { token: string }; customer: { id: string } }
  token = accesskey.token
  assert.match(token, /^vb_[A-Za-z0-9]{32}$/)
  ask = await world.enter({ token, customerId: customer.id })
})

for (const make of MAKES) {
  test(`S0 check 2: the FastAPI agent and ${make.name}: greeting, reply, hang-up, each event once`, {
    skip: skip || make.skip,
    timeout: 120_000,
  }, async (t) => {
    const { agent, url } = await serve(PROGRAM)
    t.after(() => agent.close())
    const flow = await register(url)
    const numbers = (await ask('GET', '/numbers')) as { result: readonly Doc[] }
    const own = numbers.result.find(({ number }) => number === NUMBER)
    if (own) await ask('PUT', `/numbers/${own['id']}`, { call_flow_id: flow['id'] })
    else await ask('POST', '/numbers', { number: NUMBER, call_flow_id: flow['id'] })
    const user = `flat-${make.name}`
    const phone = await enter(make, user)
    phone.call(NUMBER)
    await until('the call to be up', () => phone.state === 'up')
    const call = await callFrom(world, user)
    const transcripts = transcriptsOf(world, String(call['id']))
    await until('the greeting to be heard', () => voicedMs(phone.heard()) > 1_000)
    await until('the greeting as a transcript', () => transcripts('out').includes(GREETING))

    const before = voicedMs(phone.heard())
    phone.say(world.lines.of(QUESTION))
    await agent.says(/AI replies: You said what are your opening hours\. What else can I do for you\?/)
    await until('the reply to be heard', () => voicedMs(phone.heard()) > before + 1_500)
    assert.deepEqual(transcripts('in').map(plain), [QUESTION])

    phone.hangup()
    await agent.says(/Call ended/)
    await never('a fourth event', () => requestsOf(agent) > 3, AFTERWARDS_MS)
    const printed = agent.output.split('\n').filter((line) => line.startsWith(`[${call['id']}]`))
    assert.deepEqual(
      printed.map((line) => line.replace(/^\[\S+\] /, '')),
      [`Caller said: ${QUESTION}`, `AI replies: You said ${QUESTION}. What else can I do for you?`, 'Call ended'],
    )
    assert.doesNotMatch(agent.output, /Traceback|Internal Server Error/)
    await phone.close()
  })
}

/** The pieces of "Live sentiment monitoring" and "Post-call summaries", put where the document says. */
function withPieces(): string {
  return `${PROGRAM.replace(
    '        print(f"[{call_id}] Caller said: {transcript_text}")',
    `        if check_urgency(transcript_text):
            await transfer_to_human(call_id)
            return
        print(f"[{call_id}] Caller said: {transcript_text}")`,
  ).replace(
    '        # Clean up\n',
    `        history = conversation_history.get(call_id, [])
        # Generate call summary
        summary_response = client.chat.completions.create(
            model="gpt-4o",
            messages=history + [{
                "role": "user",
                "content": "Summarize this call in 3 bullet points. What did the caller want? Was it resolved?"
            }]
        )
        summary = summary_response.choices[0].message.content
        print(f"Call {call_id} summary:\\n{summary}")
        # Save to your CRM or database
        await save_call_record(call_id, history, summary)
        # Clean up
`,
  )}
def check_urgency(text: str) -> bool:
    urgent_keywords = ["cancel", "lawsuit", "refund", "urgent", "immediately", "supervisor"]
    return any(kw in text.lower() for kw in urgent_keywords)
async def transfer_to_human(call_id: str):
    async with httpx.AsyncClient() as http:
        await http.post(
            f"{VOIPBIN_BASE}/calls/{call_id}/actions",
            headers={"Authorization": f"Bearer {VOIPBIN_TOKEN}"},
            json={"action": "connect", "destinations": [{"type": "extension", "target": "supervisor"}]}
        )
    print(f"[{call_id}] transferred")
async def save_call_record(call_id, history, summary):
    print(f"[{call_id}] saved {len(history)} turns")
`
}

for (const make of MAKES) {
  test(`S0 check 34: the agent puts a caller with ${make.name} through to a person, and says nothing more`, {
    skip: skip || make.skip,
    timeout: 120_000,
  }, async (t) => {
    const { agent, url } = await serve(withPieces())
    t.after(() => agent.close())
    const body = { name: 'transfers', webhook_url: url, transcription: { enabled: true, language: 'en-US' } }
    const flow = await ask('POST', '/flows', body)
    const numbers = (await ask('GET', '/numbers')) as { result: readonly Doc[] }
    const own = numbers.result.find(({ number }) => number === TRANSFER_NUMBER)
    if (own) await ask('PUT', `/numbers/${own['id']}`, { call_flow_id: flow['id'] })
    else await ask('POST', '/numbers', { number: TRANSFER_NUMBER, call_flow_id: flow['id'] })
    const extension = await ask('POST', '/extensions', { extension: 'supervisor', password: 'correct-horse' })
    const person = await world.phone(make, 'supervisor')
    const user = `transferred-${make.name}`
    const caller = await enter(make, user)
    caller.call(TRANSFER_NUMBER)
    await until('the call to be up', () => caller.state === 'up')
    const call = await callFrom(world, user)
    await until('the greeting as a transcript', () =>
      transcriptsOf(world, String(call['id']))('out').includes(GREETING),
    )

    caller.say(world.lines.of(URGENT))
    await until('the person to be called', () => person.state === 'ringing')
    person.answer()
    await until('the person to be up', () => person.state === 'up')
    await agent.says(/transferred/)
    await never('the person hears a greeting', () => voicedMs(person.heard()) > 200, AFTERWARDS_MS)

    caller.say(world.lines.of(TO_PERSON))
    await until('the person to hear the caller', () => voicedMs(person.heard()) > 1_000)
    const before = voicedMs(caller.heard())
    person.say(world.lines.of(FROM_PERSON))
    await until('the caller to hear the person', () => voicedMs(caller.heard()) > before + 1_000)
    await until('the standard event of what was said', () =>
      transcriptsOf(world, String(call['id']))('in').map(plain).includes(TO_PERSON),
    )
    // call.initiated and one transcript: nothing of what the two have said to each other.
    await never('the agent is told more', () => requestsOf(agent) > 2, AFTERWARDS_MS)

    person.hangup()
    await until('the person to be idle', () => person.state === 'idle')
    caller.hangup()
    await agent.says(/saved 1 turns/)
    assert.match(agent.output, new RegExp(`Call ${call['id']} summary:\\nThe caller said 0 things`))
    await never('a fourth event', () => requestsOf(agent) > 3, AFTERWARDS_MS)
    assert.doesNotMatch(agent.output, /Traceback|Internal Server Error/)
    await Promise.all([person.close(), caller.close()])
    await ask('DELETE', `/extensions/${extension['id']}`)
  })
}
