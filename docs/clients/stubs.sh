# Read by the run.sh of each language. Gives stubs(), which runs protoc over all
# files of proto/ and buf/validate, unless its output is there and newer.

clients=$(dirname "$(readlink -f "$here")")
root=$(dirname "$(dirname "$clients")")
dependencies=$root/.proto-dependencies
PATH=$root/node_modules/.bin:$PATH

# stubs FOLDER PROTOC-FLAG...: FOLDER is emptied before.
stubs() {
  folder=$1
  shift
  if [ -e "$folder/.done" ] && [ -z "$(find "$root/proto" "$clients/stubs.sh" "$here/run.sh" -newer "$folder/.done" -print -quit)" ]; then
    return
  fi
  [ -e "$dependencies/buf/validate/validate.proto" ] || node "$root/proto/export-dependencies.ts"
  rm -rf "$folder"
  mkdir -p "$folder"
  protoc -I "$root/proto" -I "$dependencies" "$@" $(proto_files)
  touch "$folder/.done"
}

# Names of all files, as imports name them.
proto_files() {
  (cd "$root/proto" && find infobip ${google_rpc-google} -name '*.proto' | sort)
  (cd "$dependencies" && find buf -name '*.proto')
}
