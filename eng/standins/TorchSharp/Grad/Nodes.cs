using System.Text;

namespace TorchSharp;

/// <summary>What a native graph node calls: its backward pass, and the end of its life.</summary>
internal static unsafe class Nodes
{
    /// <summary>True while this thread itself runs a backward pass.</summary>
    [ThreadStatic] internal static bool Running;

    /// <summary>Takes over the gradients, hands out its own; an exception becomes the error of the whole backward pass.</summary>
    [UnmanagedCallersOnly]
    public static int Apply(nint self, nint node, nint* grads, int count, nint* given, int room)
    {
        List<torch.Tensor> passing = new(count + room);
        using DisposeScope scope = torch.NewDisposeScope();
        try
        {
            for (int k = 0; k < count; k++)
                passing.Add(new torch.Tensor(grads[k]));
            (torch.autograd.IBackward function, torch.autograd.AutogradContext context) = ((torch.autograd.IBackward, torch.autograd.AutogradContext))GCHandle.FromIntPtr(self).Target;
            List<torch.Tensor> gradients = context.During(node, () => function.Gradients(context, passing.GetRange(0, count)));
            passing.AddRange(gradients);
            for (int k = 0; k < gradients.Count && k < room; k++)
                given[k] = gradients[k] is { IsInvalid: false } gradient ? Native.tsi_share(gradient.Handle) : 0;
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
            Leave(scope, passing);
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

    /// <summary>
    /// The gradients that came and went belong to libtorch now; wrappers of them would keep their memory to the end of the
    /// caller's scope. Whatever else the function left goes there, but not from a thread of libtorch's own (there is one per
    /// GPU): nobody has opened a scope on it.
    /// </summary>
    private static void Leave(DisposeScope scope, List<torch.Tensor> passing)
    {
        foreach (torch.Tensor tensor in passing)
            if (tensor is not null && scope.Contains(tensor))
                tensor.Dispose();
        if (Running)
            scope.MoveToOuter(scope.DisposablesView);
    }
}
