/** The OpenAPI 3.1 document, made from the routes: what is not in a route is not in the document. */
import * as z from 'zod'
import type { Content, Route } from './route.ts'

const problemSchema = {
  type: 'object',
  description: 'RFC 9457',
  properties: {
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Tells problems apart by program.' },
    detail: { type: 'string' },
  },
  required: ['title', 'status', 'code'],
}

export interface OpenApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: object
  readonly security: readonly object[]
}

export interface Operation {
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: MediaTypes }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: MediaTypes }>>
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly description?: string
  readonly schema: object
}

type MediaTypes = Readonly<Record<string, { readonly schema: object }>>

export function openApiOf(routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Varve', version: '1', description: 'Kafka without a cluster, over HTTP.' },
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a JWT.' },
        basic: { type: 'http', scheme: 'basic', description: 'The id and the secret of an API key.' },
      },
    },
    security: [{}, { bearer: [] }, { basic: [] }],
  }
}

function operationOf(route: Route): Operation {
  const { tag, summary, description, body, answers } = route
  const responses = Object.entries(answers).map(([status, { description, content }]) => {
    return [status, { description, ...(content ? { content: mediaTypesOf(content, 'output') } : {}) }]
  })
  const problem = { schema: { $ref: '#/components/schemas/Problem' } }
  return {
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    parameters: [...parametersOf('path', route.params), ...parametersOf('query', route.query)],
    ...(body ? { requestBody: { content: mediaTypesOf(body, 'input') } } : {}),
    responses: {
      ...Object.fromEntries(responses),
      default: { description: 'What went wrong.', content: { 'application/problem+json': problem } },
    },
  }
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject): Parameter[] {
  const { properties = {}, required = [] } = jsonSchemaOf(schema, 'output')
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property as { description?: string }
    const hasDefault = 'default' in rest
    return {
      name,
      in: place,
      required: required.includes(name) && !hasDefault,
      ...(description ? { description } : {}),
      schema: rest,
    }
  })
}

function mediaTypesOf(content: Content, io: 'input' | 'output'): MediaTypes {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => [type, { schema: schema ? jsonSchemaOf(schema, io) : {} }]),
  )
}

function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
