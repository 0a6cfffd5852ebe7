/** The agent's side, ready to be saved and run: the reader's own server and customer are filled in. */

/**
 * @param {string} api the base, `http://host:port/v1.0`
 * @param {string} customerId
 */
export function typescriptAgent(api, customerId) {
  return `// node agent.ts (Node 24 or newer, no packages)
const API = '${api}'
const { QUIETLINE_TOKEN: TOKEN, QUIETLINE_NUMBER: NUMBER } = process.env
const mouths = new Map<string, string>() // speakings by transcribe

async function post(path: string, body: object = {}) {
  const headers = { 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  return (await fetch(\`\${API}\${path}?token=\${TOKEN}\`, init)).json()
}

const events = new WebSocket(\`\${API.replace('http', 'ws')}/ws?token=\${TOKEN}\`)
events.onopen = () => {
  const mine = 'customer_id:${customerId}'
  const topics = [\`\${mine}:call:\`, \`\${mine}:transcribe:\`]
  events.send(JSON.stringify({ type: 'subscribe', topics }))
}
events.onmessage = async (message) => {
  const { type, data } = JSON.parse(message.data)
  if (type === 'call_progressing' && data.destination.target === NUMBER) {
    const on = { reference_type: 'call', reference_id: data.id }
    const ear = await post('/transcribes', { ...on, language: 'en-US' })
    const mouth = await post('/speakings', { ...on, language: 'en-US' })
    mouths.set(ear.id, mouth.id)
    await post(\`/speakings/\${mouth.id}/say\`, { text: 'How can I help?' })
  }
  const mouth = mouths.get(data.transcribe_id)
  if (type !== 'transcript_created' || data.direction !== 'in' || !mouth) return
  await post(\`/speakings/\${mouth}/flush\`) // the caller speaks: be silent
  await post(\`/speakings/\${mouth}/say\`, { text: reply(data.message) })
}

const reply = (heard: string) => \`You said: \${heard}.\` // ask your model here
`
}

/**
 * @param {string} api
 * @param {string} customerId
 */
export function pythonAgent(api, customerId) {
  return `# python agent.py (pip install requests websocket-client)
import json, os, requests, websocket

API = "${api}"
TOKEN, NUMBER = os.environ["QUIETLINE_TOKEN"], os.environ["QUIETLINE_NUMBER"]
mouths = {}  # speakings by transcribe

def post(path, **body):
    url = f"{API}{path}?token={TOKEN}"
    return requests.post(url, json=body, timeout=5).json()

def on_open(events):
    mine = "customer_id:${customerId}"
    topics = [f"{mine}:call:", f"{mine}:transcribe:"]
    events.send(json.dumps({"type": "subscribe", "topics": topics}))

def on_message(events, message):
    event = json.loads(message)
    kind, data = event["type"], event["data"]
    if kind == "call_progressing" and data["destination"]["target"] == NUMBER:
        on = {"reference_type": "call", "reference_id": data["id"]}
        ear = post("/transcribes", **on, language="en-US")
        mouth = post("/speakings", **on, language="en-US")
        mouths[ear["id"]] = mouth["id"]
        post(f"/speakings/{mouth['id']}/say", text="How can I help?")
    mouth = mouths.get(data.get("transcribe_id"))
    if kind == "transcript_created" and data["direction"] == "in" and mouth:
        post(f"/speakings/{mouth}/flush")  # the caller speaks: be silent
        post(f"/speakings/{mouth}/say", text=reply(data["message"]))

def reply(heard):
    return f"You said: {heard}."  # ask your model here

url = API.replace("http", "ws", 1) + f"/ws?token={TOKEN}"
app = websocket.WebSocketApp(url, on_open=on_open, on_message=on_message)
app.run_forever(reconnect=1)
`
}
