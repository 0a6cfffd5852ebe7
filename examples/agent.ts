// A voice agent of thirty lines: text in, text out. Run it with
//   API=http://127.0.0.1:7700/v1.0 TOKEN=vb_… CUSTOMER=… NUMBER=+899… node examples/agent.ts
const { API, TOKEN, CUSTOMER, NUMBER } = process.env
const speakings = new Map<string, string>() // speaking by transcribe

async function post(path: string, body: object = {}): Promise<{ id: string }> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(`${API}${path}?token=${TOKEN}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}

const events = new WebSocket(`${API?.replace('http', 'ws')}/ws?token=${TOKEN}`)
events.onopen = () => {
  const topics = ['call', 'transcript'].map((resource) => `customer_id:${CUSTOMER}:${resource}:`)
  events.send(JSON.stringify({ type: 'subscribe', topics }))
}
events.onmessage = async (message) => {
  const { type, data } = JSON.parse(message.data)
  if (type === 'call_progressing' && data.destination.target === NUMBER) {
    const call = { reference_type: 'call', reference_id: data.id, language: 'en-US' }
    const [transcribe, speaking] = await Promise.all([post('/transcribes', call), post('/speakings', call)])
    speakings.set(transcribe.id, speaking.id)
    await post(`/speakings/${speaking.id}/say`, { text: 'Hello, how can I help you today?' })
  }
  const speaking = speakings.get(data.transcribe_id)
  if (type !== 'transcript_created' || data.direction !== 'in' || !speaking) return
  await post(`/speakings/${speaking}/flush`) // the caller has spoken: what was being said is over
  await post(`/speakings/${speaking}/say`, { text: `You said: ${data.message}. Let me see.` }) // ask your model here
}
