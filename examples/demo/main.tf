# What `runbell demo` runs. No provider has to be downloaded, and nothing outside this folder is touched.

variable "servers" {
  description = "How many servers there are."
  type        = number
  default     = 2
}

variable "fail" {
  description = "Makes the preparation of the servers fail."
  type        = bool
  default     = false
}

resource "terraform_data" "network" {
  input = "10.20.0.0/16"
}

resource "terraform_data" "server" {
  count            = var.servers
  input            = "server-${count.index}"
  triggers_replace = [var.fail]

  provisioner "local-exec" {
    command = var.fail ? "echo 'no route to server ${count.index}'; exit 3" : "echo 'server ${count.index} is ready'"
  }

  depends_on = [terraform_data.network]
}

output "servers" {
  value = terraform_data.server[*].output
}
