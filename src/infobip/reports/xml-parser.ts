/** What XML reports are read by; loaded by {@link loadXmlParser}. */
export { XMLParser } from "fast-xml-parser";
