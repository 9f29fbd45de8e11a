import { z } from 'zod';

/** As much of a published OpenAPI document as makes a validator. */
export interface Schemas {
  components: { schemas: Record<string, object> };
}

/** A validator made from the published document alone, by its JSON schemas. */
export function validatorOf(document: Schemas, { schema }: { schema: object }): z.ZodType {
  const inlined = JSON.parse(
    JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Parameters<typeof z.fromJSONSchema>[0];
  return z.fromJSONSchema(inlined);
}
