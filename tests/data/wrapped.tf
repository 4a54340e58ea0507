# Runs without any provider to download. `fail` breaks the apply, `delay` makes it last, `missing` breaks the plan.
variable "size" {
  default = 1
}
variable "fail" {
  default = false
}
variable "delay" {
  default = 0
}
variable "password" {
  default   = "hunter2-correct-horse"
  sensitive = true
}
resource "terraform_data" "server" {
  count            = var.size
  input            = "server-${count.index}"
  triggers_replace = [var.size]
  provisioner "local-exec" {
    command = "sleep ${var.delay}; echo ${nonsensitive(var.password)}; ${var.fail ? "exit 3" : "true"}"
  }
}
output "password" {
  value     = var.password
  sensitive = true
}
