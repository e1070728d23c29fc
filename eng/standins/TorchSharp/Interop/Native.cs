using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]

namespace TorchSharp;

/// <summary>The exports of libTorchSharpStandIn.so (see eng/standins/TorchSharp.Native/src).</summary>
internal static unsafe class Native
{
    private const string Lib = "TorchSharpStandIn";

    [DllImport(Lib)] public static extern byte* tsi_last_error();
    [DllImport(Lib)] public static extern void tsi_free(void* memory);
    [DllImport(Lib)] public static extern nint tsi_find(byte* name, byte* overload);
    [DllImport(Lib)] public static extern int tsi_call(nint op, Val* values, int count, Val* results, int room);

    [DllImport(Lib)] public static extern void tsi_release(nint handle);
    [DllImport(Lib)] public static extern nint tsi_share(nint handle);
    [DllImport(Lib), SuppressGCTransition] public static extern long tsi_dim(nint handle);
    [DllImport(Lib), SuppressGCTransition] public static extern int tsi_shape(nint handle, long* sizes, long* strides);
    [DllImport(Lib), SuppressGCTransition] public static extern long tsi_numel(nint handle);
    [DllImport(Lib), SuppressGCTransition] public static extern int tsi_dtype(nint handle);
    [DllImport(Lib), SuppressGCTransition] public static extern long tsi_element_size(nint handle);
    [DllImport(Lib), SuppressGCTransition] public static extern long tsi_device(nint handle);
    [DllImport(Lib)] public static extern int tsi_flags(nint handle);
    [DllImport(Lib)] public static extern int tsi_requires_grad(nint handle);
    [DllImport(Lib)] public static extern int tsi_set_requires_grad(nint handle, int on);
    [DllImport(Lib)] public static extern long tsi_storage_offset(nint handle);
    [DllImport(Lib)] public static extern nint tsi_data(nint handle);
    [DllImport(Lib)] public static extern nint tsi_grad(nint handle);
    [DllImport(Lib)] public static extern int tsi_set_grad(nint handle, nint grad);
    [DllImport(Lib)] public static extern nint tsi_from_blob(void* memory, long* sizes, int dim, int dtype, delegate* unmanaged<nint, void> done, nint context);

    [DllImport(Lib)] public static extern int tsi_save(nint handle, byte* path);
    [DllImport(Lib)] public static extern nint tsi_load(byte* path);

    [DllImport(Lib)] public static extern void tsi_set_managed_error(byte* message);
    [DllImport(Lib)] public static extern nint tsi_node_new(nint context, delegate* unmanaged<nint, nint, nint*, int, nint*, int, int> apply, delegate* unmanaged<nint, void> forget, byte* name, nint* inputs, int count);
    [DllImport(Lib)] public static extern void tsi_node_free(nint node);
    [DllImport(Lib)] public static extern int tsi_node_wrap(nint node, nint* inputs, int inputCount, nint* outputs, int outputCount, nint* dirty, int dirtyCount, nint* constant, int constantCount, int materialize);
    [DllImport(Lib)] public static extern int tsi_node_save(nint node, nint* tensors, int count);
    [DllImport(Lib)] public static extern int tsi_node_saved(nint node, nint* tensors, int room);
    [DllImport(Lib)] public static extern int tsi_backward(nint* tensors, int count, nint* grads, int gradCount, int retain, int create, nint* inputs, int inputCount);
    [DllImport(Lib)] public static extern int tsi_gradients(nint* tensors, int count, nint* inputs, int inputCount, nint* grads, int gradCount, int retain, int create, int unused, nint* results);
    [DllImport(Lib), SuppressGCTransition] public static extern int tsi_grad_enabled();
    [DllImport(Lib), SuppressGCTransition] public static extern void tsi_set_grad_enabled(int on);
    [DllImport(Lib), SuppressGCTransition] public static extern int tsi_inference_enabled();
    [DllImport(Lib)] public static extern nint tsi_inference_enter(int on);
    [DllImport(Lib)] public static extern void tsi_inference_leave(nint guard);
    [DllImport(Lib)] public static extern int tsi_anomaly_enabled();
    [DllImport(Lib)] public static extern int tsi_anomaly_checks_nan();
    [DllImport(Lib)] public static extern void tsi_set_anomaly(int on, int checkNaN);

    [DllImport(Lib)] public static extern int tsi_threads();
    [DllImport(Lib)] public static extern int tsi_interop_threads();
    [DllImport(Lib)] public static extern int tsi_set_threads(int count);
    [DllImport(Lib)] public static extern int tsi_set_interop_threads(int count);
    [DllImport(Lib)] public static extern nint tsi_generator_new(ulong seed, int deviceType, int deviceIndex);
    [DllImport(Lib)] public static extern nint tsi_generator_default();
    [DllImport(Lib)] public static extern void tsi_generator_free(nint handle);
    [DllImport(Lib)] public static extern int tsi_generator_set_seed(nint handle, ulong seed);
    [DllImport(Lib)] public static extern ulong tsi_generator_seed(nint handle);
    [DllImport(Lib)] public static extern ulong tsi_generator_reseed(nint handle);
    [DllImport(Lib)] public static extern nint tsi_generator_state(nint handle);
    [DllImport(Lib)] public static extern int tsi_generator_set_state(nint handle, nint state);
    [DllImport(Lib)] public static extern int tsi_manual_seed(long seed);
    [DllImport(Lib)] public static extern int tsi_cuda_manual_seed(long seed);
    [DllImport(Lib)] public static extern int tsi_cuda_count();
    [DllImport(Lib)] public static extern int tsi_cudnn_available();
    [DllImport(Lib)] public static extern int tsi_synchronize(int deviceType, int deviceIndex);
    [DllImport(Lib)] public static extern int tsi_switch(int which);
    [DllImport(Lib)] public static extern int tsi_set_switch(int which, int on);
    [DllImport(Lib)] public static extern int tsi_promote(int one, int other);

    /// <summary>The message that the last failed call on this thread left, as the exception TorchSharp throws.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ExternalException Failure() => new(Marshal.PtrToStringUTF8((nint)tsi_last_error()));

    public static int Check(int code) => code < 0 ? throw Failure() : code;

    public static nint Check(nint handle) => handle == 0 ? throw Failure() : handle;
}
