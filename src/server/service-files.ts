import type { DescFile, DescService } from "@bufbuild/protobuf";

/** The files of the services and everything they import, each once, imports first. */
export function serviceFiles(services: readonly DescService[], extra: readonly DescFile[] = []): DescFile[] {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile) => {
    if (files.has(file.proto.name)) return;
    for (const dependency of file.dependencies) add(dependency);
    files.set(file.proto.name, file);
  };
  for (const service of services) add(service.file);
  for (const file of extra) add(file);
  return [...files.values()];
}
