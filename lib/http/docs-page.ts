/** The OpenAPI document as one HTML page that needs nothing from elsewhere. */
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { OpenApiDocument, Operation } from './openapi.ts'

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { overflow: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .5rem .75rem; }
summary { cursor: pointer; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; text-transform: uppercase; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-bottom: 1px solid var(--line); }
`

type Html = HtmlEscapedString | Promise<HtmlEscapedString>

export function docsPage({ info, paths }: OpenApiDocument): Html {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = Map.groupBy(operations, ({ operation }) => operation.tags[0] ?? '')
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${info.title} HTTP API</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>
<h1>${info.title} HTTP API</h1>
<p>${info.description} The same as a document for programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).
Errors are problem details (RFC 9457) with a <code>code</code>.</p>
${[...tags].map(([tag, some]) => html`<h2>${tag}</h2>${some.map(section)}`)}
</body>
</html>`
}

function section({ path, method, operation }: { path: string; method: string; operation: Operation }): Html {
  const { summary, description, parameters, requestBody, responses } = operation
  return html`<details><summary><span class="method">${method}</span> <code>${path}</code> ${summary}</summary>
${description ? html`<p>${description}</p>` : ''}
${parameters.length > 0 ? html`<table><tr><th>parameter</th><th>in</th><th></th></tr>${parameters.map(parameterRow)}</table>` : ''}
${requestBody ? html`<h4>Body</h4>${contents(requestBody.content)}` : ''}
${Object.entries(responses).map(([status, response]) => html`<h4>${status}</h4><p>${response.description}</p>${contents(response.content ?? {})}`)}
</details>`
}

function parameterRow({ name, in: place, required, description, schema }: Operation['parameters'][number]): Html {
  return html`<tr><td><code>${name}</code>${required ? ' (required)' : ''}</td><td>${place}</td><td>${description ?? ''} <code>${JSON.stringify(schema)}</code></td></tr>`
}

function contents(content: Readonly<Record<string, { readonly schema: object }>>): Html[] {
  return Object.entries(content).map(
    ([type, { schema }]) =>
      html`<p><code>${type}</code></p>${Object.keys(schema).length > 0 ? html`<pre>${JSON.stringify(schema, null, 2)}</pre>` : ''}`,
  )
}
