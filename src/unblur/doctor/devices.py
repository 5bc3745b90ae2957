"""What networks can be computed on, and what is taken by default."""

from __future__ import annotations

from unblur.doctor.finding import Finding, State, guarded


def findings() -> list[Finding]:
    return [
        guarded("OpenVINO", _openvino, needed=True),
        guarded("ONNX Runtime", _onnxruntime),
        guarded("auto", _auto, needed=True),
    ]


def _openvino() -> Finding:
    from unblur.inference import openvino_cpu

    found = openvino_cpu.devices()
    names = "; ".join(f"{key} ({name})" for key, name in found.items())
    capable = openvino_cpu.capabilities()
    facts = {"version": openvino_cpu.version(), "devices": found, "capabilities": capable}
    text = f"{facts['version']}: {names}; of them unblur uses the CPU"
    return Finding("OpenVINO", State.OK, text, needed=True, facts=facts)


def _onnxruntime() -> Finding:
    from unblur.inference.onnxruntime_gpu import gpu_providers

    found = [name.removesuffix("ExecutionProvider") for name in gpu_providers()]
    gpus = [name for name in found if name != "CPU"]
    text = ", ".join(gpus) if gpus else "no GPU that it can use"
    return Finding("ONNX Runtime", State.OK, text, facts={"gpus": gpus})


def _auto() -> Finding:
    from unblur.inference.engine import open_network

    network = open_network("default")
    facts = {"description": network.description, "precision": network.precision}
    return Finding("auto", State.OK, f"takes {network.description}", needed=True, facts=facts)


def summary() -> str:
    """In a line: the engine, what it computes on by default, and in which precision."""

    def look() -> Finding:
        from unblur.inference import openvino_cpu
        from unblur.inference.onnxruntime_gpu import gpu_providers

        engine = f"OpenVINO {openvino_cpu.version()}"
        precision = "bf16" if openvino_cpu.has_bf16() else "f32"
        precision = "int8" if openvino_cpu.gains_by_int8() else precision
        text = f"{engine} on the CPU in {precision} ({openvino_cpu.devices()['CPU']})"
        gpus = [name for name in gpu_providers() if not name.startswith("CPU")]
        if gpus:
            text = f"ONNX Runtime on {gpus[0].removesuffix('ExecutionProvider')}, else {text}"
        return Finding("engine", State.OK, text)

    found = guarded("engine", look)
    return found.text if found.state is State.OK else f"no engine: {found.text}"
