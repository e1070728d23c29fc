using System.Text;

namespace TorchSharp;

/// <summary>What a native graph node calls: its backward pass, and the end of its life.</summary>
internal static unsafe class Nodes
{
    /// <summary>Takes over the gradients, hands out its own; an exception becomes the error of the whole backward pass.</summary>
    [UnmanagedCallersOnly]
    public static int Apply(nint self, nint node, nint* grads, int count, nint* given, int room)
    {
        List<torch.Tensor> incoming = new(count);
        DisposeScope scope = torch.CurrentDisposeScope;
        try
        {
            for (int k = 0; k < count; k++)
                incoming.Add(torch.Tensor.OrNull(grads[k]));
            (torch.autograd.IBackward function, torch.autograd.AutogradContext context) = ((torch.autograd.IBackward, torch.autograd.AutogradContext))GCHandle.FromIntPtr(self).Target;
            List<torch.Tensor> gradients;
            lock (context)
            {
                context.Node = node;
                gradients = function.Gradients(context, incoming);
                context.Node = 0;
            }
            for (int k = 0; k < gradients.Count && k < room; k++)
                given[k] = gradients[k] is { IsInvalid: false } gradient ? Native.tsi_share(gradient.Handle) : 0;
            GC.KeepAlive(gradients);
            return 0;
        }
        catch (Exception thrown)
        {
            fixed (byte* message = Encoding.UTF8.GetBytes($"{thrown.GetType().Name}: {thrown.Message}\0"))
                Native.tsi_set_managed_error(message);
            return -1;
        }
        finally
        {
            Release(incoming, scope);
        }
    }

    [UnmanagedCallersOnly]
    public static void Forget(nint self)
    {
        GCHandle handle = GCHandle.FromIntPtr(self);
        (torch.autograd.IBackward _, torch.autograd.AutogradContext context) = ((torch.autograd.IBackward, torch.autograd.AutogradContext))handle.Target;
        context.Dispose();
        handle.Free();
    }

    /// <summary>Gradients that the function left in the scope they came in are not kept to its end.</summary>
    private static void Release(List<torch.Tensor> tensors, DisposeScope scope)
    {
        foreach (torch.Tensor tensor in tensors)
            if (scope is not null && tensor is not null && ReferenceEquals(tensor.OwningDisposeScope, scope))
                tensor.Dispose();
    }
}
