import { type AnyDesc, type DescFile, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds files by what they define. Files are encoded at first use. */
export class DescriptorIndex {
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #extensions = new Map<string, Map<number, DescFile>>();
  readonly #encoded = new Map<DescFile, Uint8Array>();

  constructor(files: readonly DescFile[]) {
    for (const file of files) {
      this.#files.set(file.proto.name, file);
      for (const desc of nestedTypes(file)) this.#add(desc, file);
    }
  }

  byName(name: string): DescFile | undefined {
    return this.#files.get(name);
  }

  /** By the full name of a message, enum, service, method, field, oneof or extension. */
  bySymbol(name: string): DescFile | undefined {
    return this.#symbols.get(name);
  }

  byExtension(extendee: string, number: number): DescFile | undefined {
    return this.#extensions.get(extendee)?.get(number);
  }

  /** Numbers of all extensions of a message; undefined when there is no such message. */
  extensionNumbers(extendee: string): number[] | undefined {
    if (!this.#symbols.has(extendee)) return undefined;
    return [...(this.#extensions.get(extendee)?.keys() ?? [])];
  }

  /** The file and everything it imports, as FileDescriptorProto bytes: each file before those it imports. */
  encodeWithImports(file: DescFile): Uint8Array[] {
    const found = new Set<DescFile>();
    const importsFirst: DescFile[] = [];
    const visit = (next: DescFile) => {
      if (found.has(next)) return;
      found.add(next);
      next.dependencies.forEach(visit);
      importsFirst.push(next);
    };
    visit(file);
    return importsFirst.reverse().map((each) => this.#encode(each));
  }

  #add(desc: AnyDesc, file: DescFile): void {
    if (desc.kind === "file") return;
    if ("typeName" in desc) this.#symbols.set(desc.typeName, file);
    if (desc.kind === "service") {
      for (const method of desc.methods) this.#symbols.set(`${desc.typeName}.${method.name}`, file);
    }
    if (desc.kind === "message") {
      for (const member of [...desc.fields, ...desc.oneofs]) {
        this.#symbols.set(`${desc.typeName}.${member.name}`, file);
      }
    }
    if (desc.kind === "extension") {
      const numbers = this.#extensions.get(desc.extendee.typeName) ?? new Map<number, DescFile>();
      this.#extensions.set(desc.extendee.typeName, numbers.set(desc.number, file));
    }
  }

  #encode(file: DescFile): Uint8Array {
    const known = this.#encoded.get(file);
    if (known !== undefined) return known;
    const bytes = toBinary(FileDescriptorProtoSchema, file.proto);
    this.#encoded.set(file, bytes);
    return bytes;
  }
}
