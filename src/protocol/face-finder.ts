/**
 * The pack that finds the faces to hide, by the form of the pack that is asked. Read without the rest of the form, which a
 * newer app may have written: what is no name is a pack that nobody has, and then no photo is kept.
 */
export const faceFinderOf = (form: Readonly<Record<string, unknown>> | undefined): string | undefined =>
  form?.blurFaces === undefined ? undefined : String(form.blurFaces)
