import Service from "../../../../services/worker/images/build/index.js";
import { countedWorker } from "../counted.js";

export default countedWorker(Service);
