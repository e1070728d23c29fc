namespace TorchSharp;

public static partial class torch
{
    public static class linalg
    {
        public enum QRMode { Reduced = 0, Complete = 1, R = 2 }

        private static readonly Op _norm = new("linalg_norm"), _norm_ord = new("linalg_norm", "ord_str"), _matrix = new("linalg_matrix_norm"), _matrix_ord = new("linalg_matrix_norm", "str_ord");
        private static readonly Op _qr = new("linalg_qr"), _svd = new("linalg_svd");

        public static Tensor norm(Tensor input, long[] dims = null, bool keepdim = false) => _norm.Call(input, Arg.None, dims, keepdim);
        public static Tensor norm(Tensor input, string ord, long[] dims = null, bool keepdim = false) => _norm_ord.Call(input, ord, dims, keepdim);
        public static Tensor norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) => _norm.Call(input, ord, dims, keepdim);
        public static Tensor norm(Tensor input, int ord, long[] dims = null, bool keepdim = false) => _norm.Call(input, ord, dims, keepdim);
        public static Tensor matrix_norm(Tensor input, string ord = "fro", long[] dims = null, bool keepdim = false) => _matrix_ord.Call(input, ord, dims ?? [-2, -1], keepdim);
        public static Tensor matrix_norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) => _matrix.Call(input, ord, dims ?? [-2, -1], keepdim);
        public static (Tensor, Tensor, Tensor) svd(Tensor input, bool fullMatrices = true) => _svd.Call3(input, fullMatrices);
        public static (Tensor, Tensor) qr(Tensor input, QRMode mode = QRMode.Reduced) => _qr.Call2(input, mode switch
        {
            QRMode.Complete => "complete",
            QRMode.R => "r",
            _ => "reduced",
        });
    }

    public static class special
    {
        public static Tensor erf(Tensor input) => input.erf();
        public static Tensor expit(Tensor input) => input.sigmoid();
        public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
        public static Tensor log_softmax(Tensor input, long dim, ScalarType? dtype = null) => input.log_softmax(dim, dtype);
    }

    public static Tensor[] unbind(Tensor tensor, int dim = 0) => tensor.unbind(dim);
}
