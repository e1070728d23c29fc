namespace TorchSharp;

/// <summary>Index expressions: slices and numbers become views, what is left over are index tensors.</summary>
internal static class Indexing
{
    private static readonly Op _index = new("index", "Tensor"), _indexPut = new("index_put_");

    public static torch.Tensor Get(torch.Tensor source, torch.TensorIndex[] indices)
    {
        torch.Tensor view = View(source, indices, out torch.Tensor[] tensors);
        if (tensors is null)
            return view;
        using (view)
            return _index.Call(view, tensors);
    }

    public static void Put(torch.Tensor target, torch.TensorIndex[] indices, torch.Tensor value)
    {
        using torch.Tensor view = View(target, indices, out torch.Tensor[] tensors);
        if (tensors is not null)
        {
            using torch.Tensor placed = value.device_type != target.device_type && value.dim() == 0 ? value.to(target.device) : value.alias();
            using torch.Tensor typed = placed.to_type(target.dtype);
            _indexPut.Run(view, tensors, typed);
            return;
        }
        using torch.Tensor fitting = WithoutLeadingOnes(value, view.dim());
        view.copy_(fitting);
    }

    /// <summary>Applies all but the index tensors, which come back one per dimension of the view (null: all of it).</summary>
    private static torch.Tensor View(torch.Tensor source, torch.TensorIndex[] indices, out torch.Tensor[] tensors)
    {
        int named = indices.Sum(Consumed);
        torch.Tensor view = source.alias();
        List<torch.Tensor> found = [];
        bool any = false;
        foreach (torch.TensorIndex index in indices)
        {
            torch.Tensor next = null;
            switch (index.kind)
            {
                case torch.TensorIndex.Kind.Ellipsis:
                    for (long skipped = source.dim() - named; skipped > 0; skipped--)
                        found.Add(null);
                    break;
                case torch.TensorIndex.Kind.None or torch.TensorIndex.Kind.Null:
                    next = view.unsqueeze(found.Count);
                    found.Add(null);
                    break;
                case torch.TensorIndex.Kind.Single:
                    next = view.select(found.Count, index.start.GetValueOrDefault());
                    break;
                case torch.TensorIndex.Kind.Slice:
                    if ((index.start ?? 0) != 0 || index.stop is not null || (index.step ?? 1) != 1)
                        next = _slice.Call(view, found.Count, index.start, index.stop, index.step ?? 1);
                    found.Add(null);
                    break;
                case torch.TensorIndex.Kind.Bool:
                    next = view.unsqueeze(found.Count);
                    found.Add(torch.tensor(new[] { index.start != 0 }, device: source.device));
                    any = true;
                    break;
                default:
                    if (index.tensor is null)
                        found.Add(null);
                    else
                        any = Take(index.tensor, found, ref next, view) || any;
                    break;
            }
            if (next is not null)
            {
                view.Dispose();
                view = next;
            }
        }
        tensors = any ? found.ToArray() : null;
        return view;
    }

    private static readonly Op _slice = new("slice", "Tensor");

    /// <summary>A scalar index selects, as in PyTorch; a mask takes the place of as many dimensions as it has.</summary>
    private static bool Take(torch.Tensor index, List<torch.Tensor> found, ref torch.Tensor next, torch.Tensor view)
    {
        if (index.dim() == 0 && index.is_integral() && index.dtype is not (torch.ScalarType.Bool or torch.ScalarType.Byte))
        {
            next = view.select(found.Count, index.ToInt64());
            return false;
        }
        if (index.dim() == 0)
            next = view.unsqueeze(found.Count);
        found.Add(index);
        return true;
    }

    private static int Consumed(torch.TensorIndex index) => index.kind switch
    {
        torch.TensorIndex.Kind.Single or torch.TensorIndex.Kind.Slice => 1,
        torch.TensorIndex.Kind.Tensor => index.tensor is null ? 1 : index.tensor.dtype is torch.ScalarType.Bool or torch.ScalarType.Byte ? (int)index.tensor.dim() : 1,
        _ => 0,
    };

    private static torch.Tensor WithoutLeadingOnes(torch.Tensor value, long dimensions)
    {
        long[] shape = value.shape;
        int surplus = 0;
        while (shape.Length - surplus > dimensions && shape[surplus] == 1)
            surplus++;
        return surplus == 0 ? value.alias() : value.view(shape[surplus..]);
    }
}
