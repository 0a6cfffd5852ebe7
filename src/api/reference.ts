/** The reference for people: one plain page made from the OpenAPI description. */

import type { App } from './app.ts'
import type { ApiSettings } from './deps.ts'

const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

export function referenceRoutes(app: App, settings: ApiSettings): void {
  let page: string | null = null
  const html = (): string => {
    page ??= referencePage(app.swagger() as unknown as Spec, settings)
    return page
  }
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(html()),
  )
  app.get('/v1.0', { schema: { hide: true } }, async (request, reply) => {
    if (request.headers.accept?.includes('text/html')) {
      return reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(html())
    }
    return { name: settings.name, version: settings.version, docs: '/docs/', openapi: '/openapi.json' }
  })
}

interface Shape {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly description?: string
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Shape }>>
}

interface Operation {
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema?: Shape
  }[]
  readonly requestBody?: Content
  readonly responses?: Readonly<Record<string, Content>>
}

interface Spec {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Shape>> }
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 3rem; border-bottom: 1px solid #8886 }
code, .route { font-family: ui-monospace, monospace; font-size: 0.92em }
.route { font-weight: 600; margin: 1.8rem 0 0.2rem }
table { border-collapse: collapse; width: 100% }
td { padding: 0.1rem 0.8rem 0.1rem 0; vertical-align: top }
td:first-child { width: 14rem }
.type { color: #8a8a8a }
p { margin: 0.3rem 0 }
nav a { margin-right: 0.8rem }
`

/** Escapes text for HTML. */
function esc(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function referencePage(spec: Spec, settings: ApiSettings): string {
  const groups = new Map<string, string[]>()
  for (const [path, operations] of Object.entries(spec.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] ?? 'other'
      groups.set(tag, [...(groups.get(tag) ?? []), operationBlock(method, path, operation)])
    }
  }
  const names = [...groups.keys()].sort()
  const schemas = Object.entries(spec.components?.schemas ?? {})
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${esc(settings.name)} API</title><style>${STYLE}</style>
<h1>${esc(settings.name)} API <small class="type">${esc(settings.version)}</small></h1>
<p>Every path below starts with this server's address. Give your access key as <code>Authorization: Bearer vb_…</code>
or <code>?token=vb_…</code>. The machine-readable form is <a href="/openapi.json">openapi.json</a>. Softphones register at
<code>&lt;customer id&gt;.registrar.${esc(settings.baseDomain)}</code>.</p>
<nav>${names.map((name) => `<a href="#${esc(name)}">${esc(name)}</a>`).join(' ')}</nav>
${names.map((name) => `<h2 id="${esc(name)}">${esc(name)}</h2>${groups.get(name)?.join('') ?? ''}`).join('')}
<h2 id="shapes">Shapes</h2>${schemas.map(([name, shape]) => `<p class="route" id="shape-${esc(name)}">${esc(name)}</p>${fields(shape)}`).join('')}
</html>`
}

function operationBlock(method: string, path: string, operation: Operation): string {
  const query = operation.parameters?.filter((one) => one.in === 'query') ?? []
  const [status, answer] = Object.entries(operation.responses ?? {}).find(([code]) => code !== 'default') ?? []
  const shape = answer?.content?.['application/json']?.schema
  return `<p class="route">${esc(method.toUpperCase())} ${esc(path)}</p><p>${esc(operation.summary ?? '')}${
    shape ? ` — answers ${esc(status)}: ${typeOf(shape)}` : ''
  }</p>${query.length > 0 ? rows(query.map((one) => [one.name, one.schema ?? {}, one.required === true])) : ''}${fields(
    operation.requestBody?.content?.['application/json']?.schema ?? {},
  )}`
}

function fields(shape: Shape): string {
  const named = Object.entries(shape.properties ?? {})
  return rows(named.map(([name, field]) => [name, field, shape.required?.includes(name) ?? false]))
}

function rows(fieldsOf: readonly (readonly [string, Shape, boolean])[]): string {
  if (fieldsOf.length === 0) return ''
  const lines = fieldsOf.map(([name, shape, isNeeded]) => {
    const note = shape.description ? ` — ${esc(shape.description)}` : ''
    return `<tr><td><code>${esc(name)}</code></td><td class="type">${typeOf(shape)}${isNeeded ? '' : ', optional'}${note}</td></tr>`
  })
  return `<table>${lines.join('')}</table>`
}

function typeOf(shape: Shape): string {
  if (shape.$ref) {
    const name = shape.$ref.split('/').at(-1) ?? ''
    return `<a href="#shape-${esc(name)}">${esc(name)}</a>`
  }
  if (shape.enum) return shape.enum.map((value) => `<code>${esc(JSON.stringify(value))}</code>`).join(' ')
  if (shape.const !== undefined) return `<code>${esc(JSON.stringify(shape.const))}</code>`
  if (shape.anyOf) return shape.anyOf.map(typeOf).join(' or ')
  if (shape.type === 'array') return `list of ${shape.items ? typeOf(shape.items) : 'anything'}`
  if (shape.properties && shape.type === 'object') {
    return `{ ${Object.entries(shape.properties)
      .map(([name, field]) => `<code>${esc(name)}</code>: ${typeOf(field)}`)
      .join(', ')} }`
  }
  const type = Array.isArray(shape.type) ? shape.type.join(' or ') : (shape.type ?? 'anything')
  return esc(shape.format ? `${type} (${shape.format})` : type)
}
